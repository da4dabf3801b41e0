"""Lets the course's explaining walk do each stage."""

from minihv.chapters.ch01 import pages
from minihv.chapters.ch01.pages import Regime


def one(read, root, address, access, user):
    regime = Regime(8 << 60 | root >> 12, 0 if user else 1)
    return pages.walk(read, regime, address, access)


def walk(read_u64, vsatp, hgatp, gva, access, priv):
    root = (hgatp & (1 << 44) - 1) << 12
    lost = []

    def host(gpa, how):
        if hgatp == 0:
            return gpa
        if gpa >> 41:
            return None
        page = root + (gpa >> 39) * 4096  # the root's four pages, one at a time
        inside = gpa & (1 << 39) - 1
        inside |= (1 << 64) - (1 << 39) if inside >> 38 else 0  # for Sv39 it must be canonical
        return one(read_u64, page, inside, how, True).pa

    def guest_read(gpa):
        hpa = host(gpa, "load")
        if hpa is None:
            lost.append(gpa)
            return None
        return read_u64(hpa)

    gpa = gva
    if vsatp:
        found = one(guest_read, (vsatp & (1 << 44) - 1) << 12, gva, access, priv == 0)
        if lost:
            return "guest-page fault", lost[0]
        if found.pa is None:
            return "page fault", gva
        gpa = found.pa
    hpa = host(gpa, access)
    return ("guest-page fault", gpa) if hpa is None else ("hpa", hpa)
