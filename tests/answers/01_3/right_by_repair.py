"""Tries each bit of each PTE on the way: the one whose flip lets the access through is wrong."""

from minihv.chapters.ch01 import pages


def find_fault(read_u64, satp, va, cause, regions):
    region = next(r for r in regions if r.start <= va < r.end)
    depth = 3 if region.page == 4096 else 2
    regime = pages.Regime(satp, 0)
    access = {12: "fetch", 13: "load", 15: "store"}[cause]
    table = (satp & (1 << 44) - 1) << 12
    for level in (2, 1, 0):
        address = table + (va >> 12 + 9 * level & 511) * 8
        pte = read_u64(address)
        for bit in (*range(8), *range(10, 19), *range(54, 64)):

            def flipped(pa, address=address, pte=pte, bit=bit):
                return pte ^ 1 << bit if pa == address else read_u64(pa)

            found = pages.walk(flipped, regime, va, access)
            pointers = [step.pte & 0xFF for step in found.steps[:-1]]
            if found.pa is not None and len(found.steps) == depth and set(pointers) <= {1}:
                return address, bit
        table = pte >> 10 << 12
