"""Accuses the same one each time."""
# says: innocent_interrupts


def find_fault(run, bare):
    return "interrupts"
