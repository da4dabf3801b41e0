"""Lets the machine decide what an access may do, and counts what must be gone."""

from minihv.hw import mmu
from minihv.hw import state as st


def first_wrong(events, offset):
    for number, e in enumerate(events):
        if e["do"] == "fill":
            status = e["sum"] * st.SUM | e["mxr"] * st.MXR
            bits = sum(a << 1 for a in (st.READ, st.WRITE, st.FETCH)
                       if mmu.permitted(e["pte"], a, e["priv"], status))  # fmt: skip
            if not e["pte"] & 128:
                bits &= ~4
            low = (1 << 9 * e["level"]) - 1
            page = (e["pte"] >> 10 & ~low | e["gva"] >> 12 & low) + (offset >> 12)
            if e["entry"] != page << 10 | bits | 0xD1:
                return number
        else:
            must = [x for x in e["there"]
                    if e["space"] in (None, x[0])
                    and (e["gva"] is None or e["gva"] >> 12 + 9 * x[3] == x[2] >> 12 + 9 * x[3])]
            if any(x in e["left"] for x in must):
                return number
    return None
