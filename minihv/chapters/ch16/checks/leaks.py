"""Exercise 16.3: a snapshot that shares state with its clones; find out what, from outside.

A fleet makes clones that can be read and written part by part. In each of them one part is copied
wrongly; how it is wrong is drawn from the ways in which such copies go wrong in practice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble

PARTS = {"registers": 32, "console": 16, "timer": 2, "page 0": 64, "page 1": 64, "page 2": 64,
         "page 3": 64}  # fmt: skip
# alias: all clones and the snapshot have one and the same; late: a write goes to the snapshot too,
# so that later clones have it; upper: only the upper half is shared; none: nothing is.
MISSED = {"alias": "missed_alias", "late": "missed_late", "upper": "missed_upper"}
ORDER = ("false_alarm", *MISSED.values(), "other")


class Clone:
    """One clone: `parts` maps each part's name to its size; `read` and `write` one cell of it."""

    def __init__(self, fleet: Fleet):
        self.parts = dict(PARTS)
        self._fleet = fleet
        self._own = {name: list(cells) for name, cells in fleet.snapshot.items()}

    def _cells(self, part: str, index: int) -> list[int]:
        if not 0 <= index < PARTS[part]:
            raise IndexError(f"{part} has cells 0 to {PARTS[part] - 1}, not {index}")
        fleet = self._fleet
        if part == fleet.part and (fleet.way == "alias" or fleet.way == "upper"
                                   and index >= PARTS[part] // 2):  # fmt: skip
            return fleet.snapshot[part]
        return self._own[part]

    def read(self, part: str, index: int) -> int:
        """The value of one cell."""
        return self._cells(part, index)[index]

    def write(self, part: str, index: int, value: int) -> None:
        """Change one cell."""
        self._cells(part, index)[index] = value
        if self._fleet.way == "late" and part == self._fleet.part:
            self._fleet.snapshot[part][index] = value


@dataclass
class Fleet:
    """Makes clones of one snapshot, with one fault: `fleet.clone()`."""

    seed: int
    part: str | None  # the answer
    way: str
    snapshot: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = Random(self.seed)
        self.snapshot = {n: [rng.randrange(256) for _ in range(k)] for n, k in PARTS.items()}

    def clone(self) -> Clone:
        """One more clone."""
        return Clone(self)

    def __repr__(self) -> str:
        return f"a fleet of clones; each has {', '.join(PARTS)}"


def make(rng: Random) -> list[Fleet]:
    """Every way for some parts, and fleets without a fault."""
    fleets = []
    for way in ("alias", "alias", "late", "late", "upper", "upper", "none", "alias", "late"):
        part = None if way == "none" else rng.choice([*PARTS])
        fleets.append(Fleet(rng.randrange(1 << 30), part, way))
    rng.shuffle(fleets)
    return fleets


def ask(fleets: list[Fleet]) -> list:
    """The fleets, for they have to be run where the learner's function is."""
    return [[fleet.seed, fleet.part, fleet.way] for fleet in fleets]


def put(call: Callable[..., list], answers: Any, asked: Any) -> list:
    """One outcome for each fleet; the function gets what makes clones, and nothing else."""
    return [call(answers[0], Fleet(*facts).clone) for facts in asked]


def judge(outcomes: list, fleets: list[Fleet]) -> Verdict:
    """The first fleet whose fault was not found."""
    if len(outcomes) != len(fleets):
        return wrong("handback")
    found: list[Verdict] = []
    for number, (outcome, fleet) in enumerate(zip(outcomes, fleets, strict=True), 1):
        facts = {"number": number}
        bad = trouble(outcome)
        if bad is not None:
            return bad if bad.key == "late" else wrong(f"{bad.key}_at", **bad.values, **facts)
        got = outcome[1]
        if got is not None and (type(got) is not str or got not in PARTS):
            return wrong("shape", got=repr(got)[:60], parts=", ".join(PARTS), **facts)
        if got != fleet.part:
            if fleet.part is None:
                found.append(wrong("false_alarm", got=got, **facts))
            elif got is None:
                found.append(wrong(MISSED[fleet.way], part=fleet.part, **facts))
            else:
                found.append(wrong("other", got=got, part=fleet.part, **facts))
    # The plainest mistake first: what is missed in the plainest case explains the others.
    found.sort(key=lambda verdict: ORDER.index(verdict.key))
    return found[0] if found else Verdict(True, "passed", {"count": len(fleets)})


def play(fleets: list[Fleet]) -> Fleet:
    """The first fleet, to try by hand."""
    return fleets[0]
