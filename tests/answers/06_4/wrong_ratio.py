"""Divides the prices of a miss."""
# says: ratio


def break_even(rows, updates, shadow, nested):
    for pages, accesses, misses in rows:
        dearer = updates * accesses * (shadow[1] - nested[1])
        if dearer <= misses * (nested[0] // shadow[0]) * 1_000_000:
            return pages
    return None


because = "b"
