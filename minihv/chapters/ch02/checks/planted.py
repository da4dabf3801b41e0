"""Exercise 02.2: a hypervisor with a planted fault; find it by running small guests on it."""

from __future__ import annotations

from random import Random

from minihv.chapters.ch02.beside.suspects import SUSPECTS, Suspicious, planted, veil
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.vmm import TrapAndEmulate


def make(rng: Random) -> list[Suspicious]:
    """Return a hypervisor with each fault, in any order: no solver is lucky."""
    return [Suspicious(fault) for fault in rng.sample(sorted(SUSPECTS), len(SUSPECTS))]


def explain(got: str, layer: Suspicious) -> Verdict:
    """Say why the suspect that was named is innocent."""
    if got not in layer.suspects:
        return wrong("no_suspect", got=got[:40], names=", ".join(layer.suspects))
    return wrong(f"innocent_{got}")


EXERCISE = Exercise(
    id="02.2", minutes=40, difficulty=3, points=4, make=make,
    form=Cases(
        call=lambda layer: [veil(planted(layer))],
        right=planted,
        shape=str,
        explain=explain,
    ),
    play=lambda layers: layers[0],
    counterpart=lambda: TrapAndEmulate,  # the layer that none of them is
)  # fmt: skip
