"""With an OrderedDict, and a capital letter."""

from collections import OrderedDict


def count_misses(trace, entries, page_bits):
    tlb, misses = OrderedDict(), 0
    for va in trace:
        page = va // 2**page_bits
        if page in tlb:
            tlb.move_to_end(page)
            continue
        misses += 1
        tlb[page] = None
        if len(tlb) > entries:
            tlb.popitem(last=False)
    return [misses, {12: 3, 21: 2, 30: 1}[page_bits] * misses]


because = "B"
