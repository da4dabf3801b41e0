"""Accuses the same one each time."""
# says: innocent_stval


def find_fault(run, bare):
    return "stval"
