"""Always says clock."""
# says: innocent_clock


def find_fault(run, bare):
    return "clock"
