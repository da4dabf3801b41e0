"""Gives each page one place, as the machine's own TLB does."""
# says: direct_mapped


def count_misses(trace, entries, page_bits):
    slots, misses = [None] * entries, 0
    for va in trace:
        page = va >> page_bits
        if slots[page % entries] != page:
            misses += 1
            slots[page % entries] = page
    return misses, misses * ((39 - page_bits) // 9)


because = "b"
