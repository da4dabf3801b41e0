"""Always says htimedelta."""
# says: innocent_htimedelta


def find_fault(run, bare):
    return "htimedelta"
