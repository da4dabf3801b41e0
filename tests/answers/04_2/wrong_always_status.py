"""Accuses the same one each time."""
# says: innocent_status


def find_fault(run, bare):
    return "status"
