"""By stack distance: an access misses if `entries` other pages came since its page's last use."""


def count_misses(trace, entries, page_bits):
    recent, misses = [], 0                      # most recently used first
    for va in trace:
        page = va >> page_bits
        distance = recent.index(page) if page in recent else entries
        if distance >= entries:
            misses += 1
        if page in recent:
            recent.remove(page)
        recent.insert(0, page)
    levels = 3 - (page_bits - 12) // 9
    return misses, misses * levels


because = "b"
