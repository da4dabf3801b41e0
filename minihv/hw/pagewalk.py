"""The page walk in words: every level, every PTE bit, and why an access faults.

It repeats the rules of `mmu.walk` without doing anything, neither to A and D bits nor to the TLB; a
test holds the two together.

Source: Privileged ISA 20240411, sections 3.7 (PMP) and 10.3 to 10.4 (Sv39).
"""

from __future__ import annotations

from dataclasses import dataclass

from minihv.hw import mmu, pmp
from minihv.hw import state as st
from minihv.hw.bits import MASK64, i64
from minihv.hw.csrnames import EXCEPTIONS
from minihv.hw.hart import Hart

ACCESSES = {"read": st.READ, "write": st.WRITE, "fetch": st.FETCH}
PAGE_FAULTS = {"read": 13, "write": 15, "fetch": 12}
ACCESS_FAULTS = {"read": 5, "write": 7, "fetch": 1}
MODES = {0: "U", 1: "S", 2: "reserved", 3: "M"}
PTE_BITS = "VRWXUGAD"  # bit 0 first
PPN = (1 << 44) - 1
POINTER, LEAF, FAULT = "pointer", "leaf", "fault"


@dataclass(frozen=True)
class Step:
    """One level of a walk: the PTE at physical `pte_address`, number `index` of `table`.

    `pte` is None where it cannot be read. `bits` shows its low eight bits, such as "da-uxwrv"
    with "-" for a 0; `kind` is "pointer", "leaf" or "fault"; `verdict` says why.
    """

    level: int
    table: int
    index: int
    pte_address: int
    pte: int | None
    bits: str
    kind: str
    verdict: str


@dataclass(frozen=True)
class Walk:
    """How the hart would translate `va` for `access` ("read", "write", "fetch").

    `pa` is the physical address, None after a fault; then `cause` is the exception's code.
    `steps` is empty where nothing is translated. `verdict` is the outcome in words.
    """

    va: int
    access: str
    privilege: int
    steps: tuple[Step, ...]
    pa: int | None
    cause: int | None
    verdict: str


class _Fault(Exception):
    """Ends a walk: which kind of fault, and why."""

    def __init__(self, why: str, page_fault: bool = True):
        super().__init__(why)
        self.page_fault = page_fault


# --- the walk -----------------------------------------------------------------------------------


def walk(hart: Hart, va: int, access: str = "read", size: int = 1) -> Walk:
    """Follow `va` (guest-virtual, signed or unsigned) through the tables as the hart would now.

    The access is one of `size` bytes that stays in its page. ValueError for an unknown `access`.
    """
    if access not in ACCESSES:
        raise ValueError(f"access {access!r}: choose 'read', 'write' or 'fetch'")
    s, va = hart.s, i64(va)
    priv = s[st.PRIV] if access == "fetch" else mmu.data_privilege(s)
    steps: list[Step] = []
    try:
        if priv == 3 or s[st.SATP] == 0:
            pa, words = _untranslated(va, priv)
        else:
            pa, words = _translated(hart, va, access, priv, steps), "translated"
        words += _destination(hart, pa, size, access, priv)
    except _Fault as fault:
        cause = (PAGE_FAULTS if fault.page_fault else ACCESS_FAULTS)[access]
        verdict = f"{EXCEPTIONS[cause]}: {fault}"
        return Walk(va & MASK64, access, priv, tuple(steps), None, cause, verdict)
    return Walk(va & MASK64, access, priv, tuple(steps), pa, None, words)


def _untranslated(va: int, priv: int) -> tuple[int, str]:
    if pmp.beyond(va):
        raise _Fault("physical addresses have 56 bits", page_fault=False)
    why = "M-mode uses physical addresses" if priv == 3 else "satp is Bare"
    return va, f"not translated ({why})"


def _destination(hart: Hart, pa: int, size: int, access: str, priv: int) -> str:
    """What lies at `pa`, in words; _Fault where PMP forbids the access."""
    if not pmp.pmp_allows(hart.s, pa, size, ACCESSES[access], priv):
        raise _Fault(f"PMP forbids {MODES[priv]}-mode a {access} at {pa:#x}", page_fault=False)
    if 0 <= pa - st.RAM_BASE < hart.s[st.RAM_SIZE]:
        return f" to RAM at {pa:#x}"
    if access == "fetch":
        raise _Fault(f"{pa:#x} is not RAM, and code runs only from RAM", page_fault=False)
    return f" to {pa:#x}, which is not RAM: a device answers there, or an access fault"


def _translated(hart: Hart, va: int, access: str, priv: int, steps: list[Step]) -> int:
    """Walk Sv39; appends a step for each level."""
    if va >> 38 not in (0, -1):
        raise _Fault(f"bits 63..39 of {va & MASK64:#x} do not all equal bit 38")
    table = (hart.s[st.SATP] & PPN) << 12
    for level in range(mmu.LEVELS - 1, -1, -1):
        index = va >> 12 + 9 * level & 511
        address = table + 8 * index
        pte = None
        try:
            pte = _read_pte(hart, address)
            kind, verdict = _judge(hart, pte, address, level, access, priv)
        except _Fault as fault:
            bits = "" if pte is None else pte_bits(pte)
            steps.append(Step(level, table, index, address, pte, bits, FAULT, str(fault)))
            raise
        steps.append(Step(level, table, index, address, pte, pte_bits(pte), kind, verdict))
        table = (pte >> 10 & PPN) << 12
        if kind == LEAF:
            return table | va & (1 << 12 + 9 * level) - 1
    raise AssertionError("a walk ends at level 0")


def pte_bits(pte: int) -> str:
    """The low eight bits of a PTE as letters, D first; "-" for those that are 0."""
    letters = (name.lower() if pte >> bit & 1 else "-" for bit, name in enumerate(PTE_BITS))
    return "".join(letters)[::-1]


def _read_pte(hart: Hart, address: int) -> int:
    memory = hart.memory
    if not 0 <= address - memory.base <= memory.size - 8:
        raise _Fault(f"the PTE would lie at {address:#x}, which is not RAM", page_fault=False)
    if not pmp.pmp_allows(hart.s, address, 8, st.READ, 1):
        raise _Fault(f"PMP forbids the walker to read the PTE at {address:#x}", page_fault=False)
    return memory.read_u64(address)


def _judge(
    hart: Hart, pte: int, address: int, level: int, access: str, priv: int
) -> tuple[str, str]:
    """What a PTE is, and why, in the order of section 10.3.2; _Fault where it ends the walk."""
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
    why = _forbidden(hart, pte, access, priv)
    if why:
        raise _Fault(why)
    if pte >> 10 & (1 << 9 * level) - 1:
        raise _Fault(f"a superpage of level {level} must have its low {9 * level} PPN bits 0")
    size = ("4 KiB page", "2 MiB superpage", "1 GiB superpage")[level]
    return LEAF, f"leaf: {size}{_mark(hart, pte, address, access)}"


def _forbidden(hart: Hart, pte: int, access: str, priv: int) -> str:
    """Why a leaf does not allow the access (section 10.3.1), "" where it does."""
    status = hart.s[st.MSTATUS]
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
    """What the walker would do to A and D, in words; _Fault where it may not."""
    wanted = (mmu.PTE_A | mmu.PTE_D if access == "write" else mmu.PTE_A) & ~pte
    if not wanted:
        return ""
    names = " and ".join(name for name, bit in (("A", 64), ("D", 128)) if wanted & bit)
    if hart.s[st.SVADE]:
        raise _Fault(f"{names} is 0, and software is to set it (Svade)")
    if not pmp.pmp_allows(hart.s, address, 8, st.WRITE, 1):
        raise _Fault(f"PMP forbids the walker to set {names}", page_fault=False)
    return f"; the walker sets {names}"
