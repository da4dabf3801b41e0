"""Accuses the same one each time."""
# says: innocent_vector


def find_fault(run, bare):
    return "vector"
