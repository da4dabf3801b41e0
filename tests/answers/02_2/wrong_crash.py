"""Writes what the assembler does not take."""
# says: error_at


def find_fault(run, bare):
    return run("cssr a0, sscratch").x["a0"]
