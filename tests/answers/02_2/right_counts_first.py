"""Asks about the clock first, with a guest that ends itself; the rest by probes."""

from pathlib import Path

PROBES = {}
exec((Path(__file__).parent / "right_probes.py").read_text(), PROBES)
COUNTED = """
        csrr a0, sscratch
        csrr a0, sscratch
        li   a7, 0x53525354
        li   a6, 0
        li   a0, 0
        li   a1, 0
        ecall
"""


def find_fault(run, bare):
    if run(COUNTED).instructions != bare(COUNTED).instructions:
        return "clock"
    return PROBES["find_fault"](run, bare)
