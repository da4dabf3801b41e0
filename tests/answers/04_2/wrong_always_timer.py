"""Accuses the same one each time."""
# says: innocent_timer


def find_fault(run, bare):
    return "timer"
