"""With the time of each page's last use."""


def count_misses(trace, entries, page_bits):
    used, misses = {}, 0
    for now, va in enumerate(trace):
        page = va >> page_bits
        if page not in used:
            misses += 1
            if len(used) >= entries:
                del used[min(used, key=used.get)]
        used[page] = now
    return misses, sum(1 for bits in (12, 21, 30) if bits >= page_bits) * misses


because = "b"
