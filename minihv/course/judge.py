"""`minihv check`: run a learner's notebook in a fresh kernel and judge its exercises from outside.

The kernel's process runs the learner's code and hands back plain data; this process, which the
notebook cannot reach, draws the seed, knows the answers and decides.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minihv.course.books.kernel import KernelError
from minihv.course.books.notebooks import Notebook, NotebookError, read
from minihv.course.books.session import Row, Session
from minihv.course.cards import columns
from minihv.course.checking import record
from minihv.course.exercise import Exercise, chapter, exercise
from minihv.course.texts import say, several
from minihv.errors import MinihvError

CELL_SECONDS = 60.0


@dataclass
class Report:
    """What became of one notebook; `error` where nothing could be judged."""

    path: Path
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def ok(self) -> bool:
        """True if all exercises are solved."""
        return not self.error and bool(self.rows) and all(row.verdict.ok for row in self.rows)


def check_notebook(path: Path, seed: int, cell_seconds: float = CELL_SECONDS) -> Report:
    """Judge the notebook at `path` on the instances of `seed`."""
    report = Report(path)
    try:
        notebook = read(path)
    except NotebookError as error:
        report.error = str(error)
        return report
    wanted = _exercises(notebook)
    if not wanted:
        report.error = say("judge", "no_exercises", name=path)
        return report
    report.notes += notebook.notes + _static_notes(notebook, wanted)
    session = Session(notebook, cell_seconds, report.notes)
    try:
        for one in wanted:
            report.rows.append(session.judge(one, seed))
            record(one, report.rows[-1].points)
    except KernelError as error:
        report.error = say("judge", "no_kernel", why=error)
    finally:
        session.close()
    return report


def _exercises(notebook: Notebook) -> list[Exercise]:
    """Return the exercises of the notebook's chapter, and any others that it checks."""
    found = list(chapter(notebook.chapter))
    for number in notebook.checked():
        try:
            if exercise(number) not in found:
                found.append(exercise(number))
        except MinihvError as error:
            notebook.notes.append(str(error))
    return found


def _static_notes(notebook: Notebook, wanted: Sequence[Exercise]) -> list[str]:
    """Return what can be seen without running: answers defined twice, or below their check."""
    notes = []
    for one in wanted:
        checks = [cell for cell in notebook.cells if one.id in cell.checks]
        if not checks:
            notes.append(say("judge", "check_gone", id=one.id))
        for name in one.names:
            defining = [cell for cell in notebook.cells if name in cell.defines]
            for again in defining[1:]:
                notes.append(say("judge", "twice", cell=again, name=name, first=defining[0]))
            if checks and defining and checks[0].number < defining[0].number:
                notes.append(say("judge", "check_first", cell=checks[0], id=one.id, name=name,
                                 later=defining[0]))  # fmt: skip
    return notes


# --- reports ----------------------------------------------------------------------------------


def render(report: Report, width: int) -> str:
    """Return a report as text: a table, then the notes."""
    if report.error:
        return report.error
    rows: list[Sequence[Any]] = [several("judge", "heading")]
    for row in report.rows:
        points = f"{row.points} / {row.exercise.points}"
        text = say("judge", "right") if row.verdict.ok else row.text
        rows.append([row.exercise.id, row.exercise.title, points, f"{row.seconds:.1f} s", text])
    got = sum(row.points for row in report.rows)
    most = sum(row.exercise.points for row in report.rows)
    lines = [columns(rows, width), say("judge", "total", name=report.path, got=got, most=most)]
    for note in report.notes:
        text = say("judge", "note", text=note)
        lines.append(textwrap.fill(text, width, subsequent_indent="  "))
    return "\n".join(lines)


def find_notebooks(given: Sequence[str]) -> list[Path]:
    """Return the notebooks given, else all exercises here; NotebookError if there are none."""
    if not given:
        found = sorted(Path("exercises").glob("*.ipynb"))
        if not found:
            raise NotebookError(say("judge", "no_notebooks"))
        return found
    missing = next((name for name in given if not Path(name).is_file()), None)
    if missing is not None:
        why = "is_folder" if Path(missing).is_dir() else "no_file"
        raise NotebookError(say("judge", "unreadable", name=missing, why=say("judge", why)))
    return [Path(name) for name in given]
