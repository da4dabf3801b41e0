"""Two-stage translation, written down once more from the text of the specification.

An oracle for the tests: no TLB, no fast path, nothing shared with the machine but the numbers of
the causes. Steps are those of section 10.3.2 of the Privileged ISA 20240411, applied as section
15.5 says: once to the guest's table (VS-stage), with each address that is met on the way, and the
result, translated by the host's (G-stage).
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass

V, R, W, X, U, _G, A, D = (1 << k for k in range(8))
PAGE, ACCESS, GUEST = "page fault", "access fault", "guest-page fault"
CAUSES = {
    "fetch": {ACCESS: 1, PAGE: 12, GUEST: 20},
    "read": {ACCESS: 5, PAGE: 13, GUEST: 21},
    "hlvx": {ACCESS: 5, PAGE: 13, GUEST: 21},
    "write": {ACCESS: 7, PAGE: 15, GUEST: 23},
}


class Stop(Exception):
    """The translation ended in a fault of this kind."""

    def __init__(self, kind: str, gpa: int = 0, tinst: int = 0):
        super().__init__(kind)
        self.kind, self.gpa, self.tinst = kind, gpa, tinst


@dataclass
class Regime:
    """The state that a translation depends on, and memory as 64-bit words by physical address."""

    words: MutableMapping[int, int]
    vsatp: int = 0
    hgatp: int = 0
    guest_sum: bool = False  # vsstatus.SUM
    guest_mxr: bool = False  # vsstatus.MXR
    mxr: bool = False  # sstatus.MXR of HS-mode
    svade: bool = False


Reach = Callable[[int, bool], int]  # from a PTE's address to the physical one, to read or write it


def sv39(
    m: Regime,
    reach: Reach,
    root: int,
    va: int,
    top: int,
    access: str,
    user: bool,
    mxr: bool,
    sums: bool,
) -> int:
    """One stage: `top` bits of VPN[2]; its PTEs are found where `reach` says."""  # fmt: skip
    fields = [va >> 12 & 511, va >> 21 & 511, va >> 30 & ((1 << top) - 1)]
    table = root
    for level in (2, 1, 0):
        where = table + 8 * fields[level]
        physical = reach(where, False)
        if physical not in m.words:
            raise Stop(ACCESS)
        pte = m.words[physical]
        if not pte & V or (pte & W and not pte & R) or pte >> 54:
            raise Stop(PAGE)
        number = pte >> 10 & (1 << 44) - 1
        if not pte & (R | X):
            if pte & (A | D | U):
                raise Stop(PAGE)
            table = number << 12
            continue
        allowed = {
            "read": bool(pte & R) or (mxr and bool(pte & X)),
            "write": bool(pte & W),
            "fetch": bool(pte & X),
            "hlvx": bool(pte & X),
        }[access]
        if not allowed or user != bool(pte & U) and (user or access == "fetch" or not sums):
            raise Stop(PAGE)
        if number % (1 << 9 * level):
            raise Stop(PAGE)
        needed = A | (D if access == "write" else 0)
        if pte & needed != needed:
            if m.svade:
                raise Stop(PAGE)
            physical = reach(where, True)
            m.words[physical] = pte | needed
        size = 1 << 12 + 9 * level
        return (number << 12) & -size | va & size - 1
    raise Stop(PAGE)


def host_stage(m: Regime, gpa: int, access: str) -> int:
    """The physical address of a gpa; all accesses count as user-mode ones (section 15.5.1)."""
    if not m.hgatp >> 60:
        return gpa
    if gpa >> 41:
        raise Stop(PAGE)
    root = (m.hgatp & (1 << 44) - 1) << 12
    return sv39(m, lambda at, _: at, root, gpa, 11, access, True, m.mxr, False)


def translate(m: Regime, gva: int, access: str, user: bool) -> int:
    """The physical address of gva, or Stop with the fault's kind, gpa and tinst."""

    def through_host(gpa: int, what: str, tinst: int) -> int:
        try:
            return host_stage(m, gpa, what)
        except Stop as stop:
            raise (Stop(GUEST, gpa, tinst) if stop.kind == PAGE else stop) from None

    def reach(at: int, write: bool) -> int:
        return through_host(at, "write" if write else "read", 0x3020 if write else 0x3000)

    gpa = gva
    if m.vsatp >> 60:
        high = gva >> 38
        if high not in (0, (1 << 26) - 1):
            raise Stop(PAGE)
        root = (m.vsatp & (1 << 44) - 1) << 12
        gpa = sv39(m, reach, root, gva, 9, access, user, m.guest_mxr or m.mxr, m.guest_sum)
    return through_host(gpa, access, 0)
