"""Exercise 16.3: a snapshot that shares state with its clones; find out what, from outside.

A fleet makes clones that can be read and written part by part. In each of them one part is copied
wrongly; how it is wrong is drawn from the ways in which such copies go wrong in practice.
"""

from __future__ import annotations

from random import Random

from minihv.chapters.ch16.beside.fleets import PARTS, Fleet
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.course.shapes import Maybe

# alias: all clones and the snapshot have one and the same; late: a write goes to the snapshot too,
# so that later clones have it; upper: only the upper half is shared; none: nothing is.
MISSED = {"alias": "missed_alias", "late": "missed_late", "upper": "missed_upper"}


def make(rng: Random) -> list[Fleet]:
    """Return every way for some parts, and fleets without a fault."""
    fleets = []
    for way in ("alias", "alias", "late", "late", "upper", "upper", "none", "alias", "late"):
        part = None if way == "none" else rng.choice([*PARTS])
        fleets.append(Fleet(rng.randrange(1 << 30), part, way))
    rng.shuffle(fleets)
    return fleets


def explain(got: str | None, fleet: Fleet) -> Verdict:
    """Say what was missed, or accused without reason."""
    if fleet.part is None:
        return wrong("false_alarm", got=got)
    if got is None:
        return wrong(MISSED[fleet.way], part=fleet.part)
    return wrong("other", got=got, part=fleet.part)


EXERCISE = Exercise(
    id="16.3", minutes=30, difficulty=2, points=4, make=make,
    form=Cases(
        call=lambda fleet: [fleet.seed, fleet.part, fleet.way],
        right=lambda fleet: fleet.part,
        shape=Maybe((*PARTS,)),
        facts=lambda fleet: {"parts": ", ".join(PARTS)},
        explain=explain,
        # What is missed in the plainest case explains the others.
        order=("false_alarm", *MISSED.values(), "other"),
    ),
    play=lambda fleets: fleets[0],
)  # fmt: skip
