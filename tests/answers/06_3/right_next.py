"""One expression."""


def level_of(gpa, base, size, offset):
    first = gpa >> 21 << 21
    if offset & 0x1FFFFF or first < base or first + 0x200000 > base + size:
        return 0
    return 1


def first_wrong(events, base, size, offset):
    def fine(e):
        level = level_of(e["gpa"], base, size, offset)
        shift = 21 if level else 12
        hpa = (e["gpa"] >> shift << shift) + offset
        return (e["level"] == level and e["index"] == e["gpa"] >> shift & 511
                and e["entry"] == hpa // 4096 * 1024 + 0xDF)

    return next((n for n, e in enumerate(events) if not fine(e)), None)
