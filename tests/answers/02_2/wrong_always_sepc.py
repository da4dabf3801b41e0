"""Accuses the same one each time."""
# says: innocent_sepc


def find_fault(run, bare):
    return "sepc"
