"""Keeps what is filled as a set of its own and never looks at `there`."""


def rights(pte, priv, sum_, mxr):
    r, w, x, u = (pte >> bit & 1 for bit in (1, 2, 3, 4))
    r |= x & int(mxr)
    w &= pte >> 7
    if priv == 1 and u:
        r, w, x = r * sum_, w * sum_, 0
    if priv == 0 and not u:
        r = w = x = 0
    return r, w, x


def first_wrong(events, offset):
    for number, event in enumerate(events):
        if event["do"] == "fill":
            r, w, x = rights(event["pte"], event["priv"], event["sum"], event["mxr"])
            size = 1 << 12 + 9 * event["level"]
            start = event["pte"] >> 10 << 12
            hpa = start - start % size + event["gva"] % size + offset
            if event["entry"] % 256 != 0b11010001 | r << 1 | w << 2 | x << 3:
                return number
            if event["entry"] >> 10 != hpa >> 12:
                return number
            continue
        for space, _, gva, level in event["left"]:
            if event["space"] not in (None, space):
                continue
            if event["gva"] is None or (event["gva"] ^ gva) < 1 << 12 + 9 * level:
                return number
