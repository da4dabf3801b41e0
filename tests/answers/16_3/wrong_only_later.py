"""Compares only with clones that are made later, and not at all with a second one."""
# says: missed_alias


def find_shared(make):
    return None
