"""Always says scratch."""
# says: innocent_scratch


def find_fault(run, bare):
    return "scratch"
