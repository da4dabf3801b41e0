"""The exercises of chapter 05, shadow paging."""

from __future__ import annotations

from minihv.chapters.ch05.checks import audit, entry, policies
from minihv.course.exercise import from_module

EXERCISES = (
    from_module(entry, "05.1", minutes=30, difficulty=2, points=4, names=("shadow_entry",)),
    from_module(audit, "05.2", minutes=45, difficulty=3, points=5, names=("first_wrong",)),
    from_module(policies, "05.3", minutes=40, difficulty=2, points=4,
                names=("count_exits", "because")),
)  # fmt: skip
