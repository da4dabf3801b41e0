"""Always says immediate."""
# says: innocent_immediate


def find_fault(run, bare):
    return "immediate"
