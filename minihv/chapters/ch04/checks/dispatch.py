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
WFI, SRET, FENCE, READ_SATP, HFENCE = 0x10500073, 0x10200073, 0x12000073, 0x18002573, 0x22000073
PAGE_FAULTS, INTERRUPTS = (12, 13, 15), (2, 6, 10)
# What hedeleg can hold and a guest's kernel can handle: all but calls of kernels and guest faults.
GUESTS_OWN = [cause for cause in EXCEPTIONS if DELEGABLE & ~GUEST_EXCEPTIONS & 1 << cause
              and cause not in (9, 10, 11)]  # fmt: skip
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
            known = {WFI: ["wait"], SRET: ["emulate"], FENCE: ["emulate"], READ_SATP: ["emulate"]}
            return known.get(self.stval, ["reflect", 2, self.stval])
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
    for _ in range(6):
        exceptions = rng.sample([*GUESTS_OWN, 10, 20, 21, 23], rng.randrange(1, 4))
        wishes.append((exceptions, rng.sample(INTERRUPTS, rng.randrange(2)), rng.random() < 0.5))
    exits = [_exit(rng, kind) for kind in KINDS for _ in range(3)]
    return Case(wishes, exits)


KINDS = ("call", "wait", "emulate", "h_instruction", "interrupt", "reflect", "fill", "fill_walk",
         "device", "device_fetch", "device_walk", "nowhere")  # fmt: skip


def _exit(rng: Random, kind: str) -> Exit:
    gva = rng.getrandbits(38)
    fault = rng.choice(sorted(FAULTS))
    start, size = rng.choice(DEVICES)
    device = start + 4 * rng.randrange(size // 4)
    if kind in ("call", "wait", "emulate", "h_instruction"):
        word = {"wait": WFI, "h_instruction": HFENCE}.get(kind)
        word = word or rng.choice((SRET, FENCE, READ_SATP))
        return Exit(kind, 10, 0) if kind == "call" else Exit(kind, 22, word)
    if kind == "interrupt":
        return Exit(kind, 1 << 63 | rng.choice((1, 5, 9)), 0)
    if kind == "reflect":
        return Exit(kind, rng.choice((0, 2, 3, 4, 6, 8, 12, 13, 15)), gva)
    if kind == "fill":
        gpa = RAM + rng.randrange(SIZE)
        return Exit(kind, fault, gva & -4 | gpa & 3, gpa >> 2)
    if kind == "fill_walk":
        return Exit(kind, fault, gva | 3, RAM + 8 * rng.randrange(SIZE // 8) >> 2, PSEUDO)
    if kind == "device":
        return Exit(kind, rng.choice((21, 23)), gva & -4 | (low := rng.randrange(4)),
                    device + low >> 2)  # fmt: skip
    if kind == "device_fetch":
        return Exit(kind, 20, gva & -4, device >> 2)
    if kind == "device_walk":
        return Exit(kind, fault, gva, (device & -8) >> 2, PSEUDO)
    place = rng.choice((0x40000000, RAM + SIZE, 0x5000, RAM - 0x800)) + 8 * rng.randrange(90)
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
    extra, missing = got[0] & ~right[0], right[0] & ~got[0]
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
    if got[0] == one.answer[0] == "fill" and got[1] == one.answer[1] | got[1] & 4095:
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
