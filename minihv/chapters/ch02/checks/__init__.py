"""The exercises of chapter 02, trap and emulate."""

from __future__ import annotations

from minihv.chapters.ch02.checks import emulate, planted, rounds, unknown
from minihv.course.exercise import from_module

EXERCISES = (
    from_module(emulate, "02.1", minutes=50, difficulty=3, points=5, names=("emulate",)),
    from_module(planted, "02.2", minutes=40, difficulty=3, points=4, names=("find_fault",),
                seconds=60.0),
    from_module(unknown, "02.3", minutes=35, difficulty=2, points=4, names=("classify",),
                seconds=40.0),
    from_module(rounds, "02.4", minutes=25, difficulty=2, points=3,
                names=("typical_round", "because")),
)  # fmt: skip
