"""Accuses the same one each time."""
# says: innocent_hvip


def find_fault(run, bare):
    return "hvip"
