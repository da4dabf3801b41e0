"""The exercises of chapter 04, hardware assistance."""

from __future__ import annotations

from minihv.chapters.ch04.checks import dispatch, profile, switch
from minihv.course.exercise import from_module

EXERCISES = (
    from_module(dispatch, "04.1", minutes=45, difficulty=3, points=5,
                names=("delegate", "dispatch")),
    from_module(switch, "04.2", minutes=40, difficulty=3, points=4, names=("find_fault",),
                seconds=60.0),
    from_module(profile, "04.3", minutes=25, difficulty=2, points=3,
                names=("dominant", "because")),
)  # fmt: skip
