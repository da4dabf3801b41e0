"""An Sv39 walk that explains itself: every PTE it read, and the rule that ended it.

For messages and counts only. The machine's own walker decides what is right, and a test holds the
two against each other. Source: Privileged ISA 20240411, sections 10.3 to 10.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

V, R, W, X, U, G, A, D = (1 << n for n in range(8))
FLAGS = "vrwxugad"
BIT_NAMES = ("V", "R", "W", "X", "U", "G", "A", "D")
RESERVED = range(54, 64)
LOAD, STORE, FETCH = "load", "store", "fetch"
PAGE_FAULT = {FETCH: 12, LOAD: 13, STORE: 15}
ACCESS_FAULT = {FETCH: 1, LOAD: 5, STORE: 7}
CAUSE_NAMES = {
    1: "instruction access fault", 5: "load access fault", 7: "store access fault",
    12: "instruction page fault", 13: "load page fault", 15: "store page fault",
}  # fmt: skip

ReadU64 = Callable[[int], int | None]


@dataclass(frozen=True)
class Step:
    """One PTE that the walk read: its level (2 root .. 0), its physical address, its value."""

    level: int
    address: int
    pte: int


@dataclass(frozen=True)
class Walk:
    """A walk: `pa`, or `cause` where it faults; `why` names the rule that ended it."""

    steps: tuple[Step, ...]
    why: str
    pa: int | None = None
    cause: int | None = None

    @property
    def references(self) -> int:
        """Memory references: one for each PTE."""
        return len(self.steps)


@dataclass(frozen=True)
class Regime:
    """What a walk depends on beside the tables: satp, privilege (0 U, 1 S, 3 M), SUM and MXR."""

    satp: int
    priv: int
    sum: bool = False
    mxr: bool = False


def walk(read_u64: ReadU64, regime: Regime, va: int, access: str) -> Walk:
    """Translate the unsigned virtual address `va`; a clear A or D bit faults (Svade).

    `read_u64` gives the doubleword at a physical address, None if there is no memory.
    """
    if regime.priv == 3 or regime.satp >> 60 == 0:
        return Walk((), "bare", pa=va)
    if va >> 38 not in (0, (1 << 26) - 1):
        return Walk((), "canonical", cause=PAGE_FAULT[access])
    steps: list[Step] = []
    table = (regime.satp & (1 << 44) - 1) << 12
    for level in (2, 1, 0):
        address = table + (va >> 12 + 9 * level & 511) * 8
        pte = read_u64(address)
        if pte is None:
            return Walk(tuple(steps), "outside", cause=ACCESS_FAULT[access])
        steps.append(Step(level, address, pte))
        why = _invalid(pte, level) or (_refusal(pte, level, regime, access) if leaf(pte) else "")
        if why:
            return Walk(tuple(steps), why, cause=PAGE_FAULT[access])
        if leaf(pte):
            inside = (1 << 12 + 9 * level) - 1
            return Walk(tuple(steps), "ok", pa=target(pte) & ~inside | va & inside)
        table = target(pte)
    raise AssertionError("a pointer at level 0 is invalid")


def leaf(pte: int) -> bool:
    """Tell if this PTE maps a page, where it does not point to the next table."""
    return pte & (R | X) != 0


def target(pte: int) -> int:
    """Return the physical address that a PTE's PPN names."""
    return (pte >> 10 & (1 << 44) - 1) << 12


def _invalid(pte: int, level: int) -> str:
    """Return the rule that makes a PTE invalid whoever asks, or ""."""
    if not pte & V:
        return "valid"
    if pte >> 54:
        return "reserved"
    if pte & W and not pte & R:
        return "write_only"
    if not leaf(pte):
        if pte & (U | A | D):
            return "pointer_bits"
        return "" if level else "depth"
    if target(pte) >> 12 & (1 << 9 * level) - 1:
        return "misaligned"
    return ""


def _refusal(pte: int, level: int, regime: Regime, access: str) -> str:
    """Return the rule by which a leaf refuses this access, or ""."""
    if regime.priv == 0 and not pte & U:
        return "user"
    if regime.priv == 1 and pte & U and access == FETCH:
        return "sum_fetch"
    if regime.priv == 1 and pte & U and not regime.sum:
        return "no_sum"
    if access == FETCH and not pte & X:
        return "execute"
    if access == STORE and not pte & W:
        return "write"
    if access == LOAD and not (pte & R or pte & X and regime.mxr):
        return "read"
    if not pte & A:
        return "accessed"
    return "dirty" if access == STORE and not pte & D else ""
