"""The exercises of chapter 15, namespaces."""

from __future__ import annotations

from minihv.chapters.ch15.checks import leak, rights, root, shares
from minihv.course.exercise import from_module

EXERCISES = (
    from_module(rights, "15.1", minutes=40, difficulty=2, points=5,
                names=("to_host", "seen_as", "capable")),
    from_module(root, "15.2", minutes=40, difficulty=3, points=5, names=("build_root",)),
    from_module(leak, "15.3", minutes=45, difficulty=3, points=5, names=("find_leak",)),
    from_module(shares, "15.4", minutes=30, difficulty=2, points=4, names=("split", "because")),
)  # fmt: skip
