"""Exercise 05.1: the entry that a shadow pager writes for one page of the guest.

A seed makes guest leaves of all kinds in all contexts. What an access may do is decided by the
machine's own `mmu.permitted`; a test lets a deprivileged hart use the entries.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from random import Random
from typing import Any

from minihv.chapters.ch01 import pages
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.course.texts import say
from minihv.hw import mmu
from minihv.hw import state as st
from minihv.hw.pagewalk import pte_bits
from minihv.vmm import ShadowPaging

ACCESSES = {st.READ: pages.R, st.WRITE: pages.W, st.FETCH: pages.X}
ALWAYS = pages.V | pages.U | pages.A | pages.D
RIGHTS = pages.R | pages.W | pages.X
PPN = (1 << 44) - 1
MODES = {0: "U-mode", 1: "S-mode"}


@dataclass(frozen=True)
class Case:
    """One hidden fault: the guest's leaf and level, its address, mode and settings."""

    rule: str
    pte: int
    level: int
    gva: int
    offset: int
    priv: int
    sum: bool
    mxr: bool
    protected: bool

    @property
    def page(self) -> int:
        """The number of the host's page."""
        inside = (1 << 12 + 9 * self.level) - 1
        gpa = pages.target(self.pte) & ~inside | self.gva & inside
        return gpa + self.offset >> 12

    @property
    def rights(self) -> int:
        """R, W and X that the entry may have, by the machine's own rule."""
        status = self.sum * st.SUM | self.mxr * st.MXR
        bits = sum(bit for access, bit in ACCESSES.items()
                   if mmu.permitted(self.pte, access, self.priv, status))  # fmt: skip
        kept = self.pte & pages.D and not self.protected
        return bits if kept else bits & ~pages.W

    @property
    def entry(self) -> int:
        """What belongs into the shadow table; 0 if this context may do nothing at all."""
        return self.page << 10 | self.rights | ALWAYS if self.rights else 0

    def __str__(self) -> str:
        return say("05.1", "asked", **_asked(self))


# rule, flags of the guest's leaf, levels, mode, SUM, MXR (None: it must not matter), protected
ROWS: tuple[tuple[str, str, tuple[int, ...], int, bool | None, bool | None, bool], ...] = (
    ("plain", "vrwuad", (0,), 0, None, None, False),
    ("plain", "vrwad", (0,), 1, None, None, False),
    ("plain", "vrxua", (0,), 0, None, None, False),
    ("plain", "vrxa", (0,), 1, None, None, False),
    ("superpage", "vrwad", (1, 2), 1, None, None, False),
    ("superpage", "vrxuad", (1, 2), 0, None, None, False),
    ("clean", "vrwua", (0, 1), 0, None, None, False),
    ("clean", "vrwxa", (0,), 1, None, None, False),
    ("protected", "vrwad", (0, 1), 1, None, None, True),
    ("protected", "vrwuad", (0,), 0, None, None, True),
    ("user", "vrwxad", (0, 1), 0, None, None, False),
    ("no_sum", "vrwxuad", (0,), 1, False, None, False),
    ("sum", "vrwxuad", (0, 1), 1, True, None, False),
    ("sum", "vrxua", (0,), 1, True, None, False),
    ("mxr", "vxua", (0,), 0, None, True, False),
    ("mxr", "vxa", (0, 1), 1, None, True, False),
    ("no_mxr", "vxua", (0,), 0, None, False, False),
    ("no_mxr", "vxa", (0,), 1, None, False, False),
    ("user_mxr", "vxua", (0,), 1, True, False, False),
    ("global", "vrwgad", (0,), 1, None, None, False),
)


def make(rng: Random) -> list[Case]:
    """Return two cases of each row."""
    cases = []
    for number, (rule, flags, levels, priv, sum_, mxr, protected) in enumerate(ROWS * 2):
        turn = number // len(ROWS)  # what must not matter has each value once
        level = levels[turn % len(levels)]
        ppn = (0x80000 + rng.randrange(1 << 13) | rng.randrange(4) << 18) & -1 << 9 * level
        bits = sum(1 << pages.FLAGS.index(letter) for letter in flags) | rng.randrange(4) << 8
        cases.append(Case(
            rule, ppn << 10 | bits, level, rng.randrange(1 << 38), rng.randrange(8, 512) << 21,
            priv, bool(turn) if sum_ is None else sum_, not turn if mxr is None else mxr,
            protected))  # fmt: skip
    return cases


def clean(got: int) -> int:
    """Return an entry without bits 8 and 9, which are software's."""
    return got & ~0x300


def explain(got: int, case: Case) -> Verdict:
    """Say what is wrong with an entry: where it is, which page, which bits."""
    got = clean(got)
    facts = {"got": got, "expected": case.entry, "got_bits": pte_bits(got),
             "bits": pte_bits(case.entry)}  # fmt: skip
    if case.entry == 0:
        return wrong("pointer" if got & RIGHTS == 0 else case.rule, **facts)
    if got == 0:
        return wrong("empty", **facts)
    if got >> 10 != case.page:
        return wrong(_misplaced(got >> 10, case), page=got >> 10, right=case.page, **facts)
    missing = ALWAYS & ~got
    if missing:
        names = ", ".join(n for n, bit in zip("VUAD", (1, 16, 64, 128), strict=True)
                          if missing & bit)  # fmt: skip
        return wrong("marks", names=names, **facts)
    if got & RIGHTS == case.rights:
        return wrong("global", **facts)
    return wrong("plain" if case.rule in ("global", "superpage") else case.rule, **facts)


def _misplaced(page: int, case: Case) -> str:
    if page == case.page - (case.offset >> 12):
        return "no_offset"
    if case.level and page == (pages.target(case.pte) + case.offset) >> 12:
        return "superpage"
    return "place"


def _asked(case: Case) -> dict[str, Any]:
    return {"pte": case.pte, "leaf": pte_bits(case.pte), "level": case.level, "gva": case.gva,
            "offset": case.offset, "mode": MODES[case.priv], "sum": int(case.sum),
            "mxr": int(case.mxr), "protected": case.protected}  # fmt: skip


EXERCISE = Exercise(
    id="05.1", minutes=30, difficulty=2, points=4, make=make,
    form=Cases(
        call=lambda case: astuple(case)[1:],
        right=lambda case: case.entry,
        shape=int,
        alike=lambda got, entry: clean(got) == entry,
        facts=lambda case: _asked(case) | {"asked": str(case)},
        explain=explain,
    ),
    counterpart=lambda: ShadowPaging.rights,  # which is all but the place of the page
)  # fmt: skip
