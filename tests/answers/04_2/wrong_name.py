"""Accuses somebody else."""
# says: no_suspect


def find_fault(run, bare):
    return "hgatp"
