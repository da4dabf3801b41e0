"""`minihv new exercise | view | chapter`: write all files of one, in the project's source.

What is written works and passes its tests; it is to be replaced piece by piece.
"""

from __future__ import annotations

import json
import keyword
import re
from pathlib import Path
from typing import Any

from minihv.course.books import templates as t
from minihv.course.books.generate import EXERCISES, ROOT, SOLUTIONS, dumps, exercise_notebook
from minihv.course.texts import say, table
from minihv.errors import MinihvError

METADATA = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python",
                           "name": "python3"}, "language_info": {"name": "python"}}  # fmt: skip


class ScaffoldError(MinihvError):
    """Something of that name is there, or what it needs is not."""


class Scaffold:
    """Writes files below `root`; `files` are those that it touched, in order."""

    def __init__(self, chapter: str, root: Path = ROOT, **fields: str):
        self.root, self.chapter = root, chapter
        self.folder = root / "minihv" / "chapters" / f"ch{chapter}"
        self.fields = {"chapter": chapter, **fields}
        self.files: list[Path] = []

    def fill(self, template: str) -> str:
        """Return a template with its <fields> filled."""
        for name, value in self.fields.items():
            template = template.replace(f"<{name}>", value)
        return template

    def need_folder(self) -> None:
        """ScaffoldError if the chapter has no folder."""
        if not self.folder.is_dir():
            raise ScaffoldError(f"chapter {self.chapter} has no folder yet: "
                                f"minihv new chapter {self.chapter}")  # fmt: skip

    def write(self, path: Path, text: str) -> None:
        """Write a new file; ScaffoldError if it is there."""
        if path.exists():
            raise ScaffoldError(f"{path} is there already")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.fill(text), encoding="utf-8")
        self.files.append(path)

    def ensure(self, path: Path, text: str) -> None:
        """Write a file unless it is there."""
        if not path.exists():
            self.write(path, text)

    def insert(self, path: Path, text: str, before: str = "") -> None:
        """Put text at the end of a file, or in front of its last line that is `before`."""
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
        at = len(lines) - 1 - lines[::-1].index(before) if before else len(lines)
        lines[at:at] = self.fill(text).rstrip("\n").split("\n")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.files.append(path)

    def notebook(self, path: Path, cells: Any) -> None:
        """Write a new notebook."""
        made = [cell(kind, name, self.fill(source)) for kind, name, source in cells]
        content = {"cells": made, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
        self.write(path, dumps(content))


def cell(kind: str, name: str, source: str, **marks: Any) -> dict[str, Any]:
    """Return a notebook's cell; with `marks` one that nbgrader knows."""
    made: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": {},
                            "source": source.splitlines(keepends=True)}  # fmt: skip
    if marks:
        grading = {"cell_type": kind, "grade": False, "grade_id": name, "locked": True,
                   "schema_version": 3, "solution": False, "task": False}  # fmt: skip
        made["metadata"] = {"nbgrader": grading | marks}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def need(pattern: str, text: str, what: str) -> None:
    """ScaffoldError unless `text` has the form `pattern`, of which `what` gives an example."""
    if not re.fullmatch(pattern, text) or keyword.iskeyword(text):
        raise ScaffoldError(f"{text!r} is no {what}")


def new_exercise(number: str, name: str, root: Path = ROOT) -> list[Path]:
    """Write exercise `number` ("05.4"), whose answer is the function `name`; the files."""
    need(r"[0-9]{2}\.[1-9][0-9]*", number, "number of an exercise, such as 05.4")
    need("[a-z][a-z0-9_]*", name, "name of a function, such as count_exits")
    chapter, key = number[:2], number.replace(".", "_")
    s = Scaffold(chapter, root, id=number, name=name)
    s.need_folder()
    # All is asked before anything is written: half an exercise would break every other one.
    solution = next((root / SOLUTIONS).glob(f"{chapter}_*.ipynb"), None)
    if solution is None:
        raise ScaffoldError(f"chapter {chapter} has no notebook in {SOLUTIONS}/")
    checks, beside = s.folder / "checks", s.folder / "beside" / "__init__.py"
    answers = root / "tests" / "answers" / key
    if answers.exists() or (beside.exists() and f'"{number}": ' in beside.read_text("utf-8")):
        raise ScaffoldError(f"exercise {number} is there already: choose another number")
    s.write(checks / f"{name}.py", t.CHECK)
    s.ensure(checks / "__init__.py", '"""The checks of chapter <chapter>."""\n')
    s.ensure(checks / "en.toml", "# Chapter <chapter>: titles, hints and what the checks say.\n")
    s.insert(checks / "en.toml", t.CHECK_TEXTS)
    s.ensure(beside, t.BESIDE)
    closing = "}  # fmt: skip" if "}  # fmt: skip" in beside.read_text().split("\n") else "}"
    s.insert(beside, '    "<id>": Beside(("<name>",)),', closing)
    content = json.loads(solution.read_text(encoding="utf-8"))
    end, key = len(content["cells"]) - 1, number.replace(".", "-")
    content["cells"][end:end] = [
        cell("markdown", f"task-{key}", s.fill(t.TASK), locked=True),
        cell("code", f"answer-{key}", s.fill(t.ANSWER), solution=True, locked=False),
        cell("code", f"check-{key}", s.fill(t.CHECK_CELL), grade=True, points=3),
    ]
    solution.write_text(dumps(content), encoding="utf-8")
    learners = root / EXERCISES / solution.name
    learners.write_text(dumps(exercise_notebook(content)), encoding="utf-8")
    s.files += [solution, learners]
    body = "def <name>(number):\n    return "
    for answer, value in t.RIGHT.items():
        s.write(answers / f"right_{answer}.py", f"{body}{value}\n")
    for answer, (key, value) in t.WRONG.items():
        says = f'"""TODO what is wrong."""\n# says: {key}\n\n\n'
        s.write(answers / f"wrong_{answer}.py", f"{says}{body}{value}\n")
    return s.files


def new_view(chapter: str, name: str, root: Path = ROOT) -> list[Path]:
    """Write view `name` ("WalkGrid") of a chapter, its script and its words; the files."""
    need("[0-9]{2}", chapter, "number of a chapter, such as 05")
    need("[A-Z][A-Za-z0-9]*", name, "name of a view, such as WalkGrid")
    place = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]
    s = Scaffold(chapter, root, View=name, place=place)
    s.need_folder()
    views = s.folder / "views"
    s.ensure(views / "__init__.py", '"""The views and figures of chapter <chapter>."""\n')
    s.write(views / f"{place}.py", t.VIEW)
    s.write(views / f"{place}.js", t.VIEW_SCRIPT)
    s.ensure(views / "en.toml", "# Chapter <chapter>: the words of its views.\n")
    s.insert(views / "en.toml", t.VIEW_TEXTS)
    front = s.folder / "__init__.py"
    if ")" in front.read_text(encoding="utf-8").split("\n"):
        s.insert(front, f'    {name}="views.{place}",', ")")
    return s.files


def new_chapter(chapter: str, root: Path = ROOT) -> list[Path]:
    """Write a chapter's folder, notebook and solutions; their name is in chapters.toml."""
    known = {name[:2]: name for name in table("en")["chapters"]}
    if chapter not in known:
        raise ScaffoldError(f"no chapter {chapter!r}: name it in minihv/course/texts/en/"
                            f"chapters.toml, where there are {', '.join(known)}")  # fmt: skip
    stem = known[chapter]
    s = Scaffold(chapter, root, title=say("chapters", stem))
    s.write(s.folder / "__init__.py", t.CHAPTER)
    s.notebook(root / "notebooks" / f"{stem}.ipynb", t.NOTEBOOK)
    s.notebook(root / SOLUTIONS / f"{stem}.ipynb", t.EXERCISES)
    return s.files
