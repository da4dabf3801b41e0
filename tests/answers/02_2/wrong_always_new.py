"""Always says new."""
# says: innocent_new


def find_fault(run, bare):
    return "new"
