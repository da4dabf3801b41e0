"""`minihv check`: run a learner's notebook in a fresh process and judge its exercises from outside.

That process runs the learner's code and hands back plain data; this one, which the notebook cannot
reach, draws the seed, knows the answers and decides. A notebook that is not one's own runs in a
container: see confined.py.
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from minihv.course.books.generate import EXERCISES, ROOT
from minihv.course.books.notebooks import Cell, Notebook, NotebookError, read
from minihv.course.books.store import environment
from minihv.course.cards import columns
from minihv.course.checking import record
from minihv.course.exercise import Exercise, chapter, exercise
from minihv.course.judging import kernel
from minihv.course.judging.kernel import BesideUs, KernelError, Start
from minihv.course.judging.session import Limits, Row, Session, printable
from minihv.course.texts import say, several
from minihv.course.verdicts import compile_first
from minihv.errors import MinihvError

READ_SECONDS = 60.0


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

    @property
    def points(self) -> tuple[int, int]:
        """Those reached, and those there are."""
        return sum(row.points for row in self.rows), sum(row.exercise.points for row in self.rows)


def is_own(path: Path) -> bool:
    """Tell if a notebook is the learner's own: one of the course's exercises/, and no link."""
    return path.parent.resolve() == (ROOT / EXERCISES).resolve() and not path.is_symlink()


def check_notebook(path: Path, seed: int, limits: Limits | None = None, start: Start | None = None,
                   own: bool = True,
                   alone: AbstractContextManager[object] | None = None) -> Report:  # fmt: skip
    """Judge the notebook at `path` on the instances of `seed`; where `start` says, by default with
    the caller's own rights. An `own` notebook counts as the caller's progress. Threads that judge
    at the same time share a lock, `alone`: cases and verdicts need machines, which know none."""
    report = Report(path)
    try:
        notebook = read(path) if own else read_apart(path)
    except NotebookError as error:
        report.error = printable(str(error))
        return report
    wanted = _exercises(notebook)
    if not wanted:
        report.error = say("judge", "no_exercises", name=printable(str(path)))
        return report
    report.notes += map(printable, notebook.notes + _static_notes(notebook, wanted))
    start = start or partial(BesideUs, path.resolve().parent)
    session = Session(notebook, start, limits or Limits(), report.notes, alone or nullcontext())
    try:
        for one in wanted:
            report.rows.append(session.judge(one, seed))
            if own:
                record(one, report.rows[-1].points)
    except (KernelError, OSError) as error:
        report.error = say("judge", "no_kernel", why=printable(str(error)))
    finally:
        session.close()
    return report


def check_all(paths: Sequence[Path], seed: int, limits: Limits, confined: bool, own: bool,
              jobs: int, done: Callable[[Report], None]) -> list[Report]:  # fmt: skip
    """Judge notebooks, some at once, in containers if `confined`, as one's `own` or not, and call
    `done` with each report as it comes; return them in the order of `paths`."""
    from threading import Lock

    compile_first()
    kernel.allow()
    alone = Lock()
    with _rooms(confined) as start, ThreadPoolExecutor(max(jobs, 1)) as pool:
        running = {pool.submit(_safely, path, seed, limits, start, own, alone): path
                   for path in paths}
        reports = {}
        try:
            with kernel.ended_with():  # else those that run would be waited for
                for future in as_completed(running):
                    reports[running[future]] = future.result()
                    done(future.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        return [reports[path] for path in paths]


def _safely(path: Path, *how: Any) -> Report:
    """Judge one of many: whatever it brings about, the others are judged."""
    try:
        return check_notebook(path, *how)
    except Exception as error:  # a fault of ours, too, costs this one only
        why = printable(f"{type(error).__name__}: {error}")[:200]
        return Report(path, error=say("judge", "unreadable", name=printable(str(path)), why=why))


@contextmanager
def _rooms(confined: bool) -> Iterator[Start | None]:
    """Yield what starts containers; None where none are wanted."""
    if not confined:
        yield None
        return
    from minihv.course.judging import confined as confining

    with confining.rooms() as start:
        yield start


def read_apart(path: Path) -> Notebook:
    """Return somebody else's notebook, read by a child with limits: a small file may take gigabytes
    to parse. NotebookError if nothing can be made of it."""
    code = "from minihv.course.judging.reading import main; main()"
    try:
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True,
                              timeout=READ_SECONDS, env=environment(path.parent))
        found = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        found = {"error": say("judge", "unreadable", name=path, why=say("judge", "too_much"))}
    if "error" in found:
        raise NotebookError(found["error"])
    cells = [Cell(number, source, frozenset(defines), frozenset(checks))
             for number, source, defines, checks in found["cells"]]
    return Notebook(path, cells, found["notes"])


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
    lines = [columns(rows, width), render_line(report)]
    for note in report.notes:
        text = say("judge", "note", text=note)
        lines.append(textwrap.fill(text, width, subsequent_indent="  "))
    return "\n".join(lines)


def render_line(report: Report) -> str:
    """Return a report as one line."""
    if report.error:
        return printable(report.error, "")
    got, most = report.points
    return say("judge", "total", name=printable(str(report.path), ""), got=got, most=most)


def as_json(reports: Sequence[Report], seed: int) -> str:
    """Return reports for a program: an object with the seed and a list of notebooks."""
    return json.dumps({"seed": seed, "notebooks": [{
        "notebook": str(report.path), "points": report.points[0], "of": report.points[1],
        "error": report.error, "notes": report.notes,
        "exercises": [{"id": row.exercise.id, "points": row.points, "of": row.exercise.points,
                       "says": row.text, "seconds": round(row.seconds, 2)} for row in report.rows],
    } for report in reports]}, indent=1)  # fmt: skip


def as_csv(reports: Sequence[Report]) -> str:
    """Return reports for a spreadsheet: a line for each exercise of each notebook. What begins as a
    formula does, which a learner may have written, gets a quote in front."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["notebook", "exercise", "points", "of", "says"])
    for report in reports:
        rows = [[row.exercise.id, row.points, row.exercise.points, row.text] for row in report.rows]
        for cells in rows or [["", 0, 0, report.error]]:
            shown = [printable(c, "") if type(c) is str else c for c in (str(report.path), *cells)]
            table.writerow([f"'{c}" if str(c)[:1] in ("=", "+", "-", "@") else c for c in shown])
    return out.getvalue()


def find_notebooks(given: Sequence[str]) -> list[Path]:
    """Return the notebooks given, else all exercises here; NotebookError if there are none."""
    if not given:
        found = sorted(Path("exercises").glob("*.ipynb"))
        if not found:
            raise NotebookError(say("judge", "no_notebooks"))
        return found
    missing = next((name for name in given if not Path(name).is_file()), None)
    if missing is not None and len(given) == 1:  # among many it costs its own line only
        why = "is_folder" if Path(missing).is_dir() else "no_file"
        raise NotebookError(say("judge", "unreadable", name=missing, why=say("judge", why)))
    return [Path(name) for name in given]
