"""The exercises of chapter 16, VM or container."""

from __future__ import annotations

from minihv.chapters.ch16.checks import bound, copies, filters, leaks, nth
from minihv.course.exercise import from_module

EXERCISES = (
    from_module(filters, "16.1", minutes=30, difficulty=2, points=4, names=("allowed",)),
    from_module(copies, "16.2", minutes=40, difficulty=3, points=5, names=("snapshot", "clone"),
                seconds=30.0),
    from_module(leaks, "16.3", minutes=30, difficulty=2, points=4, names=("find_shared",)),
    from_module(bound, "16.4", minutes=20, difficulty=1, points=3, names=("bound",)),
    from_module(nth, "16.5", minutes=25, difficulty=2, points=4, names=("line", "because")),
)  # fmt: skip
