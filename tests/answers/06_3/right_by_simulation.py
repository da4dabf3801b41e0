"""Puts each entry into a table and looks where the hardware would end up."""


def first_wrong(events, base, size, offset):
    for n, e in enumerate(events):
        shift = 12 + 9 * e["level"]
        page = 1 << shift
        hpa = (e["entry"] >> 10 << 12) + e["gpa"] % page
        start = e["gpa"] - e["gpa"] % page
        large = offset % (2 << 20) == 0 and base <= (e["gpa"] >> 21 << 21) \
            and (e["gpa"] >> 21) + 1 << 21 <= base + size
        if (e["entry"] & 1023 != 0xDF or (e["entry"] >> 10 << 12) % page
                or hpa != e["gpa"] + offset or e["index"] != start >> shift & 511
                or e["level"] != large or start < base or start + page > base + size):
            return n
