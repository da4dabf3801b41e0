"""The exercises of chapter 06, nested paging."""

from __future__ import annotations

from minihv.chapters.ch06.checks import crossing, mapper, references, twodim
from minihv.course.exercise import from_module

EXERCISES = (
    from_module(twodim, "06.1", minutes=45, difficulty=3, points=5, names=("walk",)),
    from_module(references, "06.2", minutes=20, difficulty=1, points=3,
                names=("count_references",)),
    from_module(mapper, "06.3", minutes=35, difficulty=2, points=4, names=("first_wrong",)),
    from_module(crossing, "06.4", minutes=30, difficulty=2, points=4,
                names=("break_even", "because")),
)  # fmt: skip
