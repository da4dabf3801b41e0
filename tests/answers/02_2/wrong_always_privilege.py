"""Accuses the same one each time."""
# says: innocent_privilege


def find_fault(run, bare):
    return "privilege"
