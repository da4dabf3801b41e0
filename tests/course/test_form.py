"""Each chapter has the form that CONTRIBUTING.md describes."""

import re
from pathlib import Path
from typing import Any

import pytest

from minihv.course.books.notebooks import load
from tests.course.test_store import committed_books, notebook

ROOT = Path(__file__).parents[2]
CHAPTERS = [name for name in committed_books() if re.match(r"notebooks/(?!00)", name)]
PARTS = ("The question", "Five minutes to warm up", "Predict", "Build", "Watch", "Measure",
         "Real systems", "Check yourself", "What you know now", "Sources")
SCREEN = 46  # lines


def parts(book: dict[str, Any]) -> list[str]:
    """The headings of a chapter that are parts of its form, in its order."""
    text = "\n".join("".join(cell["source"]) for cell in book["cells"]
                     if cell["cell_type"] == "markdown")
    return [found for found in re.findall(r"^## (.+)$", text, re.MULTILINE) if found in PARTS]


def tall(book: dict[str, Any]) -> list[str]:
    """The cells of code that do not fit a screen."""
    return [cell.get("id", "") for cell in book["cells"]
            if cell["cell_type"] == "code" and len(cell["source"]) > SCREEN]


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_all_parts_in_order(name: str):
    assert parts(load(ROOT / name)) == [*PARTS]


@pytest.mark.parametrize("name", CHAPTERS)
def test_no_cell_is_longer_than_a_screen(name: str):
    assert tall(load(ROOT / name)) == []


def test_what_lacks_is_noticed():
    book = notebook(*(f"## {part}" for part in PARTS[:3]), "\n".join("x" * (SCREEN + 1)))
    for cell in book["cells"][:3]:
        cell["cell_type"] = "markdown"
    assert parts(book) == [*PARTS[:3]]
    assert len(tall(book)) == 1
