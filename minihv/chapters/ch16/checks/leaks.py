"""Exercise 16.3: a snapshot that shares state with its clones; find out what, from outside.

A fleet makes clones that can be read and written part by part. In each of them one part is copied
wrongly; how it is wrong is drawn from the ways in which such copies go wrong in practice.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from random import Random

from minihv.chapters.ch16.beside.fleets import PARTS, Fleet
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.course.shapes import Maybe

# alias: all clones and the snapshot have one and the same; late: a write goes to the snapshot too,
# so that later clones have it; upper: only the upper half is shared; none: nothing is.
MISSED = {"alias": "missed_alias", "late": "missed_late", "upper": "missed_upper"}


@dataclass(frozen=True)
class Suspect:
    """A fleet, and what is wrong with it: the answer."""

    seed: int
    part: str | None
    way: str

    def fleet(self) -> Fleet:
        """Return it as learners get it."""
        return Fleet(self.seed, self.part, self.way)


def make(rng: Random) -> list[Suspect]:
    """Return every way for some parts, each part in some way, and fleets without a fault."""
    parts = iter(rng.sample([*PARTS], len(PARTS)))
    suspects = [Suspect(rng.randrange(1 << 30), None if way == "none" else next(parts), way)
                for way in ("alias", "alias", "late", "late", "late", "upper", "upper", "none",
                            "none")]  # fmt: skip
    rng.shuffle(suspects)
    return suspects


def explain(got: str | None, suspect: Suspect) -> Verdict:
    """Say what was missed, or accused without reason."""
    if suspect.part is None:
        return wrong("false_alarm", got=got)
    if got is None:
        return wrong(MISSED[suspect.way], part=suspect.part)
    return wrong("other", got=got, part=suspect.part)


EXERCISE = Exercise(
    id="16.3", minutes=30, difficulty=2, points=4, make=make,
    form=Cases(
        call=astuple,
        right=lambda suspect: suspect.part,
        shape=Maybe((*PARTS,)),
        facts=lambda suspect: {"parts": ", ".join(PARTS)},
        explain=explain,
        # What is missed in the plainest case explains the others.
        order=("false_alarm", *MISSED.values(), "other"),
    ),
    play=lambda suspects: suspects[0].fleet(),
)  # fmt: skip
