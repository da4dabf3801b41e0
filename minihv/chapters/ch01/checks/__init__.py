"""The exercises of chapter 01, the machine."""

from __future__ import annotations

from minihv.chapters.ch01.checks import fault, handler, tlb, walk
from minihv.course.exercise import from_module

EXERCISES = (
    from_module(handler, "01.1", minutes=30, difficulty=2, points=4, names=("handler",)),
    from_module(walk, "01.2", minutes=45, difficulty=3, points=5, names=("walk",)),
    from_module(fault, "01.3", minutes=40, difficulty=3, points=4, names=("find_fault",)),
    from_module(tlb, "01.4", minutes=30, difficulty=2, points=4,
                names=("count_misses", "because")),
)  # fmt: skip
