"""The page walk in words: every level, every PTE bit, and why an access faults.

It repeats the rules of `mmu.walk` without doing anything, neither to A and D bits nor to the TLB; a
test holds the two together.

In a guest of the H extension a walk has two dimensions: each PTE of the guest is at a
guest-physical address, which the G-stage translates first, and so does what the walk ends at.

Source: Privileged ISA 20240411, sections 3.7 (PMP), 10.3 to 10.4 (Sv39), 15.5 (two stages).
"""

from __future__ import annotations

from dataclasses import dataclass

from minihv.hw import mmu, pmp
from minihv.hw import state as st
from minihv.hw.bits import MASK64, i64
from minihv.hw.causes import EXCEPTIONS
from minihv.hw.hart import Hart

ACCESSES = {"read": st.READ, "write": st.WRITE, "fetch": st.FETCH}
PAGE_FAULTS = {"read": 13, "write": 15, "fetch": 12}
ACCESS_FAULTS = {"read": 5, "write": 7, "fetch": 1}
GUEST_FAULTS = {"read": 21, "write": 23, "fetch": 20}
MODES = {0: "U", 1: "S", 2: "reserved", 3: "M"}
PTE_BITS = "VRWXUGAD"  # bit 0 first
PPN = (1 << 44) - 1
POINTER, LEAF, FAULT = "pointer", "leaf", "fault"


@dataclass(frozen=True)
class Step:
    """One reference of a walk: the PTE at physical `pte_address`, number `index` of `table`.

    `pte` is None if it cannot be read. `bits` shows its low eight bits, such as "da-uxwrv"
    with "-" for a 0; `kind` is "pointer", "leaf" or "fault"; `verdict` says why. `stage` is "S",
    or "VS" and "G" in a guest; then `table` is a gpa for "VS", and `source` the gpa that a "G"
    step helps to translate, or that of the PTE of a "VS" step.
    """

    level: int
    table: int
    index: int
    pte_address: int
    pte: int | None
    bits: str
    kind: str
    verdict: str
    stage: str = "S"
    source: int = 0


@dataclass(frozen=True)
class Walk:
    """How the hart would translate `va` for `access` ("read", "write", "fetch").

    `pa` is the physical address, None after a fault; then `cause` is the exception's code.
    `steps` is empty if nothing is translated. `verdict` is the outcome in words. In a guest
    `gpa` is what the guest's own tables give, None if they give nothing.
    """

    va: int
    access: str
    privilege: int
    steps: tuple[Step, ...]
    pa: int | None
    cause: int | None
    verdict: str
    gpa: int | None = None


class _Fault(Exception):
    """Ends a walk: which kind of fault, and why."""

    def __init__(self, why: str, page_fault: bool = True, guest: bool = False):
        super().__init__(why)
        self.causes = GUEST_FAULTS if guest else PAGE_FAULTS if page_fault else ACCESS_FAULTS


# --- the walk -----------------------------------------------------------------------------------


def walk(hart: Hart, va: int, access: str = "read", size: int = 1) -> Walk:
    """Follow `va` (guest-virtual, signed or unsigned) through the tables as the hart would now.

    The access is one of `size` bytes that stays in its page. ValueError for an unknown `access`.
    """
    if access not in ACCESSES:
        raise ValueError(f"access {access!r}: choose 'read', 'write' or 'fetch'")
    s, va = hart.s, i64(va)
    priv = s[st.PRIV] if access == "fetch" else mmu.data_privilege(s)
    virtual = s[st.VIRT] if access == "fetch" else mmu.data_virtual(s)
    steps: list[Step] = []
    gpas: list[int] = []
    try:
        if virtual:
            pa, words = _twice(hart, va, access, priv, steps, gpas)
        elif priv == 3 or s[st.SATP] == 0:
            pa, words = _untranslated(va, priv)
        else:
            root = (s[st.SATP] & PPN) << 12
            _canonical(va)
            pa = _stage(hart, va, root, access, priv, s[st.MSTATUS], "S", steps)
            words = "translated"
        words += _destination(hart, pa, size, access, priv)
    except _Fault as fault:
        cause = fault.causes[access]
        verdict = f"{EXCEPTIONS[cause]}: {fault}"
        return Walk(va & MASK64, access, priv, tuple(steps), None, cause, verdict, *gpas)
    return Walk(va & MASK64, access, priv, tuple(steps), pa, None, words, *gpas)


def _untranslated(va: int, priv: int) -> tuple[int, str]:
    if pmp.beyond(va):
        raise _Fault("physical addresses have 56 bits", page_fault=False)
    why = "M-mode uses physical addresses" if priv == 3 else "satp is Bare"
    return va, f"not translated ({why})"


def _destination(hart: Hart, pa: int, size: int, access: str, priv: int) -> str:
    """Return what is at `pa`, in words; _Fault if PMP forbids the access."""
    if not pmp.pmp_allows(hart.s, pa, size, ACCESSES[access], priv):
        raise _Fault(f"PMP forbids {MODES[priv]}-mode a {access} at {pa:#x}", page_fault=False)
    if 0 <= pa - st.RAM_BASE < hart.s[st.RAM_SIZE]:
        return f" to RAM at {pa:#x}"
    if access == "fetch":
        raise _Fault(f"{pa:#x} is not RAM, and code runs only from RAM", page_fault=False)
    return f" to {pa:#x}, which is not RAM: a device answers there, or an access fault"


def _canonical(va: int) -> None:
    if va >> 38 not in (0, -1):
        raise _Fault(f"bits 63..39 of {va & MASK64:#x} do not all equal bit 38")


def _stage(
    hart: Hart, va: int, root: int, access: str, priv: int, status: int, stage: str,
    steps: list[Step],
) -> int:  # fmt: skip
    """Walk the tables of one stage from `root`; appends a step for each level."""
    table, index = root, va >> 30 & (mmu.ROOT_X4 if stage == "G" else mmu.ROOT)
    for level in range(mmu.LEVELS - 1, -1, -1):
        place = level, table, index, table + 8 * index
        table, kind = _look(hart, place, access, priv, status, stage, va, steps)
        if kind == LEAF:
            return table | va & (1 << 12 + 9 * level) - 1
        index = va >> 3 + 9 * level & 511
    raise AssertionError("a walk ends at level 0")


def _look(
    hart: Hart, place: tuple[int, int, int, int], access: str, priv: int, status: int, stage: str,
    source: int, steps: list[Step],
) -> tuple[int, str]:  # fmt: skip
    """One step, at (level, table, index, physical address): where its PTE leads, and its kind."""
    level, _, _, address = place
    pte = None
    try:
        pte = _read_pte(hart, address)
        kind, verdict = _judge(hart, pte, address, level, access, priv, status)
    except _Fault as fault:
        bits = "" if pte is None else pte_bits(pte)
        steps.append(Step(*place, pte, bits, FAULT, str(fault), stage, source))
        if stage == "G" and fault.causes is PAGE_FAULTS:
            said = f"the G-stage has no page for gpa {source:#x}: {fault}"
            raise _Fault(said, guest=True) from None
        raise
    steps.append(Step(*place, pte, pte_bits(pte), kind, verdict, stage, source))
    return (pte >> 10 & PPN) << 12, kind


# --- two stages ---------------------------------------------------------------------------------


def _twice(
    hart: Hart, va: int, access: str, priv: int, steps: list[Step], gpas: list[int]
) -> tuple[int, str]:
    """Translate by the guest's tables and the G-stage; notes the gpa in `gpas`."""
    s = hart.s
    gpa, words = va, "vsatp is Bare; "
    if s[st.VSATP]:
        gpa, words = _guests_own(hart, va, access, priv, steps), ""
    gpas.append(gpa & MASK64)
    pa = _second(hart, gpa, access, steps)
    return pa, words + (f"translated by way of gpa {gpa & MASK64:#x}" if s[st.HGATP] or s[st.VSATP]
                        else "hgatp is Bare, too: not translated")  # fmt: skip


def _guests_own(hart: Hart, va: int, access: str, priv: int, steps: list[Step]) -> int:
    """Walk the guest's tables, each PTE of which the G-stage has to find first; the gpa."""
    s = hart.s
    _canonical(va)
    status = s[st.VSSTATUS] | s[st.MSTATUS] & st.MXR
    table = (s[st.VSATP] & PPN) << 12
    for level in range(mmu.LEVELS - 1, -1, -1):
        index = va >> 12 + 9 * level & 511
        at = table + 8 * index
        place = level, table, index, _second(hart, at, "read", steps)
        table, kind = _look(hart, place, access, priv, status, "VS", at, steps)
        if "the walker sets" in steps[-1].verdict:
            _second(hart, at, "write", [])  # which the G-stage has to allow
        if kind == LEAF:
            return table | va & (1 << 12 + 9 * level) - 1
    raise AssertionError("a walk ends at level 0")


def _second(hart: Hart, gpa: int, access: str, steps: list[Step]) -> int:
    """Translate a gpa by the G-stage, to which the guest is a user (section 15.5.1)."""
    s = hart.s
    if s[st.HGATP] == 0:
        if pmp.beyond(gpa):
            raise _Fault("physical addresses have 56 bits", page_fault=False)
        return gpa
    if gpa >> 41:
        raise _Fault(f"gpa {gpa & MASK64:#x} has more than 41 bits", guest=True)
    root = (s[st.HGATP] & PPN) << 12
    return _stage(hart, gpa, root, access, 0, s[st.MSTATUS], "G", steps)


# --- one PTE ------------------------------------------------------------------------------------


def pte_bits(pte: int) -> str:
    """Return the low eight bits of a PTE as letters, D first; "-" for those that are 0."""
    letters = (name.lower() if pte >> bit & 1 else "-" for bit, name in enumerate(PTE_BITS))
    return "".join(letters)[::-1]


def _read_pte(hart: Hart, address: int) -> int:
    memory = hart.memory
    if not 0 <= address - memory.base <= memory.size - 8:
        raise _Fault(f"the PTE would be at {address:#x}, which is not RAM", page_fault=False)
    if not pmp.pmp_allows(hart.s, address, 8, st.READ, 1):
        raise _Fault(f"PMP forbids the walker to read the PTE at {address:#x}", page_fault=False)
    return memory.read_u64(address)


def _judge(
    hart: Hart, pte: int, address: int, level: int, access: str, priv: int, status: int
) -> tuple[str, str]:
    """What a PTE is, and why, in the order of section 10.3.2; _Fault if it ends the walk."""
    if not pte & mmu.PTE_V:
        raise _Fault("V is 0: nothing is mapped here")
    if pte & mmu.PTE_W and not pte & mmu.PTE_R:
        raise _Fault("W without R is reserved")
    if pte >> 54:
        raise _Fault("a bit above 53 is set (N, PBMT or reserved)")
    if not pte & (mmu.PTE_R | mmu.PTE_X):
        if pte & (mmu.PTE_U | mmu.PTE_A | mmu.PTE_D):
            raise _Fault("a pointer (R, W, X all 0) must have U, A and D 0")
        if level == 0:
            raise _Fault("a pointer at level 0: there is no level below")
        return POINTER, f"points to the table at {(pte >> 10 & PPN) << 12:#x}"
    why = _forbidden(pte, access, priv, status)
    if why:
        raise _Fault(why)
    if pte >> 10 & (1 << 9 * level) - 1:
        raise _Fault(f"a superpage of level {level} must have its low {9 * level} PPN bits 0")
    size = ("4 KiB page", "2 MiB superpage", "1 GiB superpage")[level]
    return LEAF, f"leaf: {size}{_mark(hart, pte, address, access)}"


def _forbidden(pte: int, access: str, priv: int, status: int) -> str:
    """Return why a leaf does not allow the access (section 10.3.1), "" if it does."""
    if priv == 0 and not pte & mmu.PTE_U:
        return "U is 0: a page of the supervisor, and this is U-mode"
    if priv == 1 and pte & mmu.PTE_U and access == "fetch":
        return "U is 1: S-mode never runs code of a user page"
    if priv == 1 and pte & mmu.PTE_U and not status & st.SUM:
        return "U is 1: S-mode may use a user page only while sstatus.SUM is 1"
    if access == "fetch":
        return "" if pte & mmu.PTE_X else "X is 0: not executable"
    if access == "write":
        return "" if pte & mmu.PTE_W else "W is 0: not writable"
    if pte & mmu.PTE_R or (pte & mmu.PTE_X and status & st.MXR):
        return ""
    return "R is 0: not readable (X is 1, but mstatus.MXR is 0)"


def _mark(hart: Hart, pte: int, address: int, access: str) -> str:
    """Return what the walker would do to A and D, in words; _Fault if it may not."""
    wanted = (mmu.PTE_A | mmu.PTE_D if access == "write" else mmu.PTE_A) & ~pte
    if not wanted:
        return ""
    names = " and ".join(name for name, bit in (("A", 64), ("D", 128)) if wanted & bit)
    if hart.s[st.SVADE] or not hart.s[st.MENVCFG] & st.ADUE:
        raise _Fault(f"{names} is 0, and software is to set it (Svade)")
    if not pmp.pmp_allows(hart.s, address, 8, st.WRITE, 1):
        raise _Fault(f"PMP forbids the walker to set {names}", page_fault=False)
    return f"; the walker sets {names}"
