"""Answers made from the reference by one small change: what a learner plausibly gets wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minihv.course.books.notebooks import read
from minihv.course.exercise import exercise

SOLUTIONS = Path(__file__).parents[2] / "solutions"


def source(number: str) -> str:
    """The reference answer's source: the cells of solutions/ that define its names."""
    (path,) = SOLUTIONS.glob(f"{number.partition('.')[0]}_*.ipynb")
    wanted = set(exercise(number).names)
    return "\n".join(cell.source for cell in read(path).cells if cell.defines & wanted)


def variant(number: str, *changes: tuple[str, str]) -> dict[str, Any]:
    """The names that the reference defines after `changes`, each of which must apply once."""
    text = source(number)
    for old, new in changes:
        assert text.count(old) == 1, (number, old, text.count(old))
        text = text.replace(old, new)
    names: dict[str, Any] = {}
    exec(compile(text, f"<variant of {number}>", "exec"), names)
    return {name: names[name] for name in exercise(number).names}
