"""Always says fence."""
# says: innocent_fence


def find_fault(run, bare):
    return "fence"
