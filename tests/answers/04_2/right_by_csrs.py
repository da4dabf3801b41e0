"""Looks at the CSRs that are left behind where that is enough."""

from tests.answers.variants import variant

full = variant("04.2")["find_fault"]
CALL = "li a7, 0x10\n li a6, 0\n ecall\nend: j end\n"


def find_fault(run, bare):
    source = "csrwi sscratch, 3\n csrwi sie, 2\n" + CALL
    mine, right = run(source).csr, bare(source).csr
    if mine["sscratch"] != right["sscratch"]:
        return "scratch"
    if mine["sie"] != right["sie"]:
        return "enable"
    return full(run, bare)
