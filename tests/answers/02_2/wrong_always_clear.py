"""Accuses the same one each time."""
# says: innocent_clear


def find_fault(run, bare):
    return "clear"
