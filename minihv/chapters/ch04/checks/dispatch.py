"""Exercise 04.1: what to delegate to a guest, and what to do with each exit that is left.

A case of the first kind says what a hypervisor wants to hear of; the answer is two masks. A case
of the second is an exit, as HS-mode's CSRs describe it; the answer is what has to be done.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.course.exercise import Exercise, Steps, Verdict, wrong
from minihv.course.shapes import misfit
from minihv.course.verdicts import trouble
from minihv.hw.causes import DELEGABLE, EXCEPTIONS, GUEST_EXCEPTIONS, cause_name
from minihv.vmm import HardwareAssist

RAM, SIZE = 0x80000000, 16 << 20
DEVICES = ((0x10000000, 0x100), (0x0C000000, 0x400000), (0x02000000, 0x10000))
WFI, SRET = 0x10500073, 0x10200073
# Of each kind one, whatever the seed: what a guest's kernel has, and what its machine has not.
KNOWN = (SRET, 0x12B50073, 0x18002573, 0x18051073)  # sret, sfence.vma, csrr satp, csrw satp
FOREIGN = (0x22000073, 0x62000073, 0x68002573, 0x6C054573)  # hfence.vvma, .gvma, hgatp, hlv.d
PAGE_FAULTS, INTERRUPTS = (12, 13, 15), (2, 6, 10)
# What hedeleg can hold and a guest's kernel can handle: all but calls of kernels and guest faults.
GUESTS_OWN = [cause for cause in EXCEPTIONS if DELEGABLE & ~GUEST_EXCEPTIONS & 1 << cause
              and cause not in (9, 10, 11)]  # fmt: skip
# Access faults: the chapter's hypervisor keeps them, others hand them down; either is right.
EITHER_WAY = 1 << 1 | 1 << 5 | 1 << 7
FAULTS = {20: 1, 21: 5, 23: 7}  # guest-page fault: the access fault of the same access
PSEUDO = 0x3000  # htinst where the walk of the guest's own tables was at fault (64 bits, a read)

Wish = tuple[list[int], list[int], bool]  # exceptions and interrupts wanted, shadow paging


@dataclass(frozen=True)
class Exit:
    """One exit: HS-mode's CSRs, and the word that the guest executed where it matters."""

    kind: str
    scause: int
    stval: int
    htval: int = 0
    htinst: int = 0

    @property
    def csrs(self) -> dict[str, int]:
        """As the learner's function gets it."""
        return {"scause": self.scause, "stval": self.stval, "htval": self.htval,
                "htinst": self.htinst}  # fmt: skip

    @property
    def gpa(self) -> int:
        """The guest-physical address of a guest-page fault."""
        return self.htval << 2 | (0 if self.htinst else self.stval & 3)

    @property
    def answer(self) -> list:
        """What has to be done."""
        if self.scause >> 63:
            return ["host"]
        if self.scause == 10:
            return ["call"]
        if self.scause == 22:
            if self.stval == WFI:
                return ["wait"]
            return ["emulate"] if self.stval in KNOWN else ["reflect", 2, self.stval]
        if self.scause not in FAULTS:
            return ["reflect", self.scause, self.stval]
        if RAM <= self.gpa < RAM + SIZE:
            return ["fill", self.gpa & -4096]
        device = any(start <= self.gpa < start + size for start, size in DEVICES)
        if device and self.scause != 20 and not self.htinst:
            return ["device", self.gpa]
        return ["reflect", FAULTS[self.scause], self.stval]

    def __str__(self) -> str:
        csrs = ", ".join(f"{name} {value:#x}" for name, value in self.csrs.items())
        return f"{cause_name(self.scause)}: {csrs}"


@dataclass(frozen=True)
class Case:
    """All of a seed."""

    wishes: list[Wish]
    exits: list[Exit]

    def __repr__(self) -> str:
        return f"{len(self.wishes)} hypervisors to delegate for, {len(self.exits)} exits"


def masks(wish: Wish) -> list[int]:
    """hedeleg and hideleg for a hypervisor's wishes."""
    wanted, interrupts, shadow = wish
    own = [c for c in GUESTS_OWN if c not in wanted and not (shadow and c in PAGE_FAULTS)]
    left = [number for number in INTERRUPTS if number not in interrupts]
    return [sum(1 << cause for cause in own), sum(1 << number for number in left)]


def make(rng: Random) -> Case:
    """Wishes from none to many, and exits of every kind in any order."""
    wishes: list[Wish] = [([], [], False), ([], [], True)]
    named = rng.sample([*GUESTS_OWN, 10, 20, 21, 23], len(GUESTS_OWN) + 4)
    for n, cause in enumerate(named):  # each exception and each interrupt is wanted once alone
        wishes.append(([cause], [*INTERRUPTS[n : n + 1]], rng.random() < 0.5))
    wishes.append((named[:3], [*INTERRUPTS], False))
    exits = [_exit(rng, kind, turn) for kind in KINDS for turn in range(TURNS.get(kind, 3))]
    return Case(wishes, exits)


REFLECTED = (0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 15)
TURNS = {"emulate": len(KNOWN), "h_instruction": len(FOREIGN), "reflect": len(REFLECTED),
         "nowhere": 6}  # fmt: skip
KINDS = ("call", "wait", "emulate", "h_instruction", "interrupt", "reflect", "fill", "fill_walk",
         "device", "device_fetch", "device_walk", "nowhere")  # fmt: skip


def _exit(rng: Random, kind: str, turn: int) -> Exit:
    """Return an exit; the turns of a kind, from 0, have each cause and each edge between them."""
    gva = rng.getrandbits(38)
    fault = sorted(FAULTS)[turn % 3]
    start, size = DEVICES[turn % 3]
    device = start + (0, size - 4, 4 * rng.randrange(size // 4))[turn % 3]
    if kind == "call":
        return Exit(kind, 10, 0)
    if kind in ("wait", "emulate", "h_instruction"):
        return Exit(kind, 22, {"wait": [WFI] * 3, "emulate": KNOWN}.get(kind, FOREIGN)[turn])
    if kind == "interrupt":
        return Exit(kind, 1 << 63 | (1, 5, 9)[turn], 0)
    if kind == "reflect":
        return Exit(kind, REFLECTED[turn], gva)
    if kind == "fill":
        gpa = (RAM, RAM + SIZE - 1, RAM + rng.randrange(SIZE))[turn]
        return Exit(kind, fault, gva & -4 | gpa & 3, gpa >> 2)
    if kind == "fill_walk":
        return Exit(kind, fault, gva | 3, RAM + 8 * rng.randrange(SIZE // 8) >> 2, PSEUDO)
    if kind == "device":
        return Exit(kind, (21, 23)[turn & 1], gva & -4 | (0, 3, 1)[turn], device >> 2)
    if kind == "device_fetch":
        return Exit(kind, 20, gva & -4, device >> 2)
    if kind == "device_walk":
        return Exit(kind, fault, gva, (device & -8) >> 2, PSEUDO)
    end = DEVICES[0][0] + DEVICES[0][1]
    place = (RAM + SIZE, end, RAM - 4, DEVICES[0][0] - 4, 0x40000000, 0x5000)[turn]
    place += 8 * rng.randrange(90) * (turn > 3)
    return Exit(kind, fault, gva & -4, place >> 2)


def ask(case: Case) -> dict[str, Any]:
    """Return wishes and exits, and where RAM and devices are."""
    return {"wishes": case.wishes, "exits": [one.csrs for one in case.exits],
            "ram": (RAM, SIZE), "devices": DEVICES}  # fmt: skip


def judge(outcomes: list, case: Case) -> Verdict:
    """Return the first wrong mask, then the first exit that is handled wrongly."""
    if len(outcomes) != len(case.wishes) + len(case.exits):
        return wrong("handback")
    for outcome, wish in zip(outcomes, case.wishes, strict=False):
        verdict = _masks_verdict(outcome, wish)
        if verdict is not None:
            return verdict
    for outcome, one in zip(outcomes[len(case.wishes) :], case.exits, strict=True):
        bad = trouble(outcome, asked=one)
        if bad is not None:
            return bad
        got = outcome[1]
        if type(got) is not list or not got or any(type(part) not in (str, int) for part in got):
            return wrong("shape", got=repr(got)[:80], asked=one)
        if got != one.answer:
            return _explain(got, one)
    return Verdict(True, "passed", {"wishes": len(case.wishes), "exits": len(case.exits)})


def _masks_verdict(outcome: list, wish: Wish) -> Verdict | None:
    wanted, interrupts, shadow = wish
    asked = f"wanted {wanted}, interrupts {interrupts}, shadow {shadow}"
    bad = trouble(outcome, asked=asked)
    if bad is not None:
        return bad
    got, right = outcome[1], masks(wish)
    if misfit([int, int], got):
        return wrong("mask_shape", got=repr(got)[:80], asked=asked)
    facts = {"asked": asked, "got": f"{got[0]:#x}, {got[1]:#x}",
             "expected": f"{right[0]:#x}, {right[1]:#x}"}  # fmt: skip
    extra, missing = got[0] & ~right[0], right[0] & ~got[0] & ~EITHER_WAY
    if extra:
        cause = extra.bit_length() - 1
        facts |= {"cause": cause, "name": cause_name(cause)}
        if cause in wanted and cause in GUESTS_OWN:
            return wrong("wanted", **facts)
        if cause in PAGE_FAULTS:
            return wrong("shadow", **facts)
        return wrong("not_delegable", **facts)
    if missing:
        cause = missing.bit_length() - 1
        return wrong("missing_bit", cause=cause, name=cause_name(cause), **facts)
    if got[1] == right[1] >> 1 and right[1]:
        return wrong("one_left", **facts)
    return None if got[1] == right[1] else wrong("interrupts", **facts)


def _explain(got: list, one: Exit) -> Verdict:
    shown = ", ".join(hex(part) if type(part) is int else part for part in got)
    right = ", ".join(hex(part) if type(part) is int else part for part in one.answer)
    facts = {"asked": one, "got": shown, "expected": right}
    if got[0] == one.answer[0] == "fill" and [type(part) for part in got[1:]] == [int]:
        if got[1] >> 12 == one.answer[1] >> 12:
            return wrong("page", **facts)
    if one.kind in ("fill", "device") and got[0] == one.answer[0]:
        return wrong("gpa", **facts)
    return wrong(one.kind, **facts)


EXERCISE = Exercise(
    id="04.1", minutes=45, difficulty=3, points=5, make=make,
    form=Steps(ask, judge),
    play=lambda case: case.exits,
    counterpart=lambda: HardwareAssist.examine,
)  # fmt: skip
