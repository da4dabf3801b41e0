"""Returns a number."""
# says: shape


def find_fault(run, bare):
    return 3
