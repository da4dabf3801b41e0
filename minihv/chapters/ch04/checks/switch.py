"""Exercise 04.2: a world switch that forgets something; find it by running small guests.

As exercise 02.2, with hypervisors that use VS-mode: each is the package's hardware assistance
whose `load` or `unload` leaves one thing out.
"""

from __future__ import annotations

from random import Random

from minihv.chapters.ch02.beside.suspects import planted, veil
from minihv.chapters.ch02.checks.planted import explain
from minihv.chapters.ch04.beside.switches import SUSPECTS, Forgetful
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise
from minihv.vmm import HardwareAssist


def make(rng: Random) -> list[Forgetful]:
    """Return a hypervisor with each fault, in any order."""
    return [Forgetful(fault) for fault in rng.sample(sorted(SUSPECTS), len(SUSPECTS))]


EXERCISE = Exercise(
    id="04.2", minutes=40, difficulty=3, points=4, make=make,
    form=Cases(
        call=lambda layer: [veil(planted(layer))],
        right=planted,
        shape=str,
        explain=explain,
    ),
    play=lambda layers: layers[0],
    counterpart=lambda: HardwareAssist,  # the layer that none of them is
)  # fmt: skip
