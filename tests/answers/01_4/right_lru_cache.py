"""Lets functools count."""

from functools import lru_cache


def count_misses(trace, entries, page_bits):
    @lru_cache(maxsize=entries)
    def look_up(page):
        return page

    for va in trace:
        look_up(va >> page_bits)
    misses = look_up.cache_info().misses
    return misses, misses * ((39 - page_bits) // 9)


because = " b "
