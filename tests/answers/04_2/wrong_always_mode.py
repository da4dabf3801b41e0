"""Accuses the same one each time."""
# says: innocent_mode


def find_fault(run, bare):
    return "mode"
