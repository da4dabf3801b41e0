"""Acquits everybody."""
# says: keeps_w


def first_wrong(events, offset):
    return None
