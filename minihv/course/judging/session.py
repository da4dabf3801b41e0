"""One notebook under judgement: its cells run in a kernel, its answers asked for one by one.

A cell that no kernel survives costs the learner that cell, not the other exercises: the kernel is
replaced, and the other cells run again.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from minihv.course.books.notebooks import Cell, Notebook
from minihv.course.budget import WAITING, slowness
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.course.judging.kernel import Kernel, Ran, Start
from minihv.course.texts import say
from minihv.course.verdicts import decide

MORE_SECONDS = 10.0  # for an answer, by the clock, beyond what its own limit lets it wait
MOST_RESTARTS = 8
MOST_TEXT = 2000  # characters
# Errors that a cell of an unsolved exercise is expected to end with.
EXPECTED = ("NotYet", "NotImplementedError", "JudgedOutside")


@dataclass(frozen=True)
class Limits:
    """Seconds by the clock, on a computer as fast as ours: of one cell, of a whole notebook."""

    cell_seconds: float = 60.0
    total_seconds: float = 600.0


def printable(text: str, but: str = "\n") -> str:
    """Return what a learner may have written, not too much of it and without what steers a
    terminal, `but` these."""
    kept = text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]} ..."
    return "".join(c if c.isprintable() or c in but else "\ufffd" for c in kept)


@dataclass
class Row:
    """What became of one exercise."""

    exercise: Exercise
    verdict: Verdict
    text: str
    seconds: float

    @property
    def points(self) -> int:
        """All or none."""
        return self.exercise.points if self.verdict.ok else 0


class Session:
    """A kernel in which the notebook's cells have run; replaced when it is lost."""

    def __init__(self, notebook: Notebook, start: Start, limits: Limits, notes: list[str],
                 alone: AbstractContextManager[object]):
        self.notebook, self.start, self.notes, self.alone = notebook, start, notes, alone
        self.patience = slowness()
        self.cell_seconds = limits.cell_seconds * self.patience
        self.end = time.monotonic() + limits.total_seconds * self.patience
        self.kernel: Kernel | None = None
        self.skipped: set[Cell] = set()

    def judge(self, one: Exercise, seed: int) -> Row:
        """Return the row of one exercise."""
        started = time.monotonic()
        with self.alone:
            instance = one.instance(seed)
            asked = one.form.ask(instance)
        kernel = self._ready()
        budget = one.beside.seconds * self.patience
        most = min(WAITING * budget + MORE_SECONDS, self.end - time.monotonic())
        if kernel is None or most <= 0:
            key = "no_time"
        else:
            ran, outcomes = kernel.ask(one.id, asked, budget, most)
            if not (ran.gone or ran.how == "slow"):
                with self.alone:
                    verdict = decide(one, outcomes, instance)
                text = printable(verdict.text(one.id))
                return Row(one, verdict, text, time.monotonic() - started)
            self.close()
            key = {"died": "answer_died", "garbled": "answer_garbled"}.get(ran.how, "answer_stuck")
        text = say("judge", key, id=one.id, seconds=most)
        return Row(one, wrong(key), text, time.monotonic() - started)

    def close(self) -> None:
        """Kill the kernel, if there is one."""
        if self.kernel is not None:
            kernel, self.kernel = self.kernel, None
            kernel.close()

    def _ready(self) -> Kernel | None:
        """Return a kernel that has run all cells but those that kernels do not survive, or none if
        these are too many. None if the time for this notebook is over."""
        for _ in range(MOST_RESTARTS):
            if self.kernel is None:
                self.kernel = Kernel(self.start, self.patience)
                if all(self._run(self.kernel, cell) for cell in self._to_run()):
                    return self.kernel
                self.close()
            elif time.monotonic() < self.end:
                return self.kernel
            if time.monotonic() >= self.end:
                return None
        self.kernel = Kernel(self.start, self.patience)
        return self.kernel

    def _to_run(self) -> Iterator[Cell]:
        """Yield the cells that are not left out, while there is time."""
        for cell in self.notebook.cells:
            if time.monotonic() >= self.end:
                note = say("judge", "no_time_left", cell=cell)
                if note not in self.notes:
                    self.notes.append(note)
                return
            if cell not in self.skipped:
                yield cell

    def _run(self, kernel: Kernel, cell: Cell) -> bool:
        """Run a cell and note what is wrong with it; tell if the kernel survived."""
        ran = kernel.run(cell.source, min(self.cell_seconds, self.end - time.monotonic()))
        if ran.how != "ok":
            note = printable(self._note(cell, ran))
            if note and note not in self.notes:
                self.notes.append(note)
        if ran.how == "slow" or ran.gone:
            self.skipped.add(cell)  # should the cells run again
        return not ran.gone

    def _note(self, cell: Cell, ran: Ran) -> str:
        if ran.how == "error" and ran.name in EXPECTED:
            return ""
        if ran.how == "error" and ran.name == "NameError":
            return self._name_note(cell, ran)
        if ran.how == "error":
            what = textwrap.shorten(f"{ran.name}: {ran.text}", 200, placeholder=" …")
            return say("judge", "raised", cell=cell, what=what)
        return say("judge", ran.how, cell=cell, seconds=self.cell_seconds)

    def _name_note(self, cell: Cell, ran: Ran) -> str:
        """Explain a NameError: the name is defined below, or in a cell that is gone.

        If a cell above was to define it, that one failed, and what to say was said there.
        """
        name = ran.text.split("'")[1] if ran.text.count("'") >= 2 else ran.text
        if any(c.number < cell.number and name in c.defines for c in self.notebook.cells):
            return ""
        later = next((c for c in self.notebook.cells
                      if c.number > cell.number and name in c.defines), None)  # fmt: skip
        if later is not None:
            return say("judge", "name_later", cell=cell, name=name, later=later)
        return say("judge", "name_never", cell=cell, name=name,
                   chapter=self.notebook.chapter or "NN")  # fmt: skip
