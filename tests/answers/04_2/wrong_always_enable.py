"""Accuses the same one each time."""
# says: innocent_enable


def find_fault(run, bare):
    return "enable"
