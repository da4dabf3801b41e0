"""Asks for what is not there."""
# says: error_at


def find_fault(run, bare):
    return run("end: j end").csr["hstatus"]
