"""Reading notebooks, whole or mangled: cells with names that a person knows, and what they define.

Read as plain JSON, because a notebook that a learner damaged is to be reported, not refused.
"""

from __future__ import annotations

import ast
import errno
import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minihv.course.texts import say
from minihv.errors import MinihvError

HUGE = 20 << 20  # bytes: worth a word
TOO_HUGE = 200 << 20  # bytes: not read
MOST_CELLS, MOST_SOURCE = 2000, 2 << 20  # characters of all cells
MOST_NOTES = 20
UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # how such a file begins
START = 40  # characters of a cell's first line that its name shows
_CHECK = re.compile(r"""\bcheck\(\s*["'](\d\d\.\d+)["']""")


class NotebookError(MinihvError):
    """A file that is no notebook, with the way to mend it."""


@dataclass(frozen=True)
class Cell:
    """A code cell; `number` counts all cells of the notebook from 1."""

    number: int
    source: str
    defines: frozenset[str] = frozenset()
    checks: frozenset[str] = frozenset()

    def __str__(self) -> str:
        start = next((line.strip() for line in self.source.splitlines() if line.strip()), "")
        if not start:
            return say("judge", "cell_empty", number=self.number)
        short = start if len(start) <= START else start[: START - 1] + "…"
        return say("judge", "cell", number=self.number, start=short)


@dataclass
class Notebook:
    """A notebook's code cells, and notes on what was wrong with the file."""

    path: Path
    cells: list[Cell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def chapter(self) -> str:
        """The number that the file's name begins with, such as "01"; "" if there is none."""
        return chapter_of(self.path)

    def checked(self) -> list[str]:
        """Return the ids of the exercises that some cell checks, in order."""
        return sorted({number for cell in self.cells for number in cell.checks})


def chapter_of(path: Path) -> str:
    """Return the chapter that a file's name begins with: "01" of 01_the_machine.ipynb."""
    match = re.match(r"(\d\d)[_.-]", path.name)
    return match[1] if match else ""


def checked_in(source: str) -> list[str]:
    """Return the ids of the exercises that a cell checks."""
    return _CHECK.findall(source)


def read(path: Path, follow: bool = True) -> Notebook:
    """Return the notebook at `path`, which may be a link if `follow`; NotebookError if nothing can
    be made of the file."""
    data = _bytes(path, follow)
    content = _upgraded(_parsed(path, data))
    cells = content.get("cells") if type(content) is dict else None
    chapter = chapter_of(path) or "NN"
    if type(cells) is not list:
        raise NotebookError(say("judge", "not_notebook", name=path, chapter=chapter))
    notebook = Notebook(path)
    size = sum(len(str(raw.get("source", ""))) for raw in cells if type(raw) is dict)
    if len(cells) > MOST_CELLS or size > MOST_SOURCE:
        raise NotebookError(say("judge", "too_long", name=path, cells=len(cells), size=size))
    if len(data) > HUGE:
        notebook.notes.append(say("judge", "huge", name=path, size=len(data) >> 20))
    for number, raw in enumerate(cells, 1):
        source, damage = _source(raw)
        if damage:
            cell = Cell(number, "")
            notebook.notes.append(say("judge", "bad_cell", cell=cell, why=damage, chapter=chapter))
        elif raw.get("cell_type") == "code":
            checks = frozenset(checked_in(source))
            notebook.cells.append(Cell(number, source, defined_names(source), checks))
    notebook.notes[MOST_NOTES:] = [] if len(notebook.notes) <= MOST_NOTES else [
        say("judge", "more_notes", count=len(notebook.notes) - MOST_NOTES)]
    return notebook


def load(path: Path) -> Any:
    """Return the JSON in `path`; NotebookError with line and column where it is none."""
    return _parsed(path, _bytes(path))


def _bytes(path: Path, follow: bool = True) -> bytes:
    """Return what is in a file. It is looked at once, when it is open: by its name another might be
    there by then, or a pipe that nobody writes to."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(path, flags | (0 if follow else os.O_NOFOLLOW)), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise NotebookError(say("judge", "unreadable", name=path,
                                        why=say("judge", "no_regular_file")))
            if about.st_size > TOO_HUGE:
                raise NotebookError(say("judge", "huge", name=path, size=about.st_size >> 20))
            return file.read(TOO_HUGE)
    except OSError as error:
        why = say("judge", "is_link") if error.errno == errno.ELOOP else error.strerror
        raise NotebookError(say("judge", "unreadable", name=path, why=why)) from None


def _parsed(path: Path, data: bytes) -> Any:
    """Return the JSON in a file's bytes."""
    try:
        text = data.decode("utf-16" if data[:2] in UTF_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotebookError(say("judge", "unreadable", name=path, why=error)) from None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise NotebookError(say("judge", "not_json", name=path, line=error.lineno, why=error.msg,
                                column=error.colno, chapter=chapter_of(path) or "NN"),
                            ) from None  # fmt: skip
    except (RecursionError, ValueError) as error:
        raise NotebookError(say("judge", "unreadable", name=path, why=error)) from None


def _upgraded(content: Any) -> Any:
    """Return a notebook of the formats before 4 (IPython's, until 2015) as one of format 4; what
    cannot be made one, as it is."""
    if type(content) is not dict or "worksheets" not in content:
        return content
    import nbformat

    try:
        return json.loads(json.dumps(nbformat.convert(nbformat.from_dict(content), 4)))
    except Exception:  # of whatever kind: it was written by anybody
        return content


def _source(raw: Any) -> tuple[str, str]:
    """Return a cell's source, or what is wrong with the cell."""
    if type(raw) is not dict or type(raw.get("cell_type")) is not str:
        return "", "no cell_type"
    source = raw.get("source")
    if type(source) is list and all(type(line) is str for line in source):
        return "".join(source), ""
    return (source, "") if type(source) is str else ("", "no source")


def defined_names(source: str) -> frozenset[str]:
    """Return the names that a cell's top level defines; none if it is no plain Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        else:
            names |= {n.id for n in ast.walk(node)
                      if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}  # fmt: skip
    return frozenset(names)
