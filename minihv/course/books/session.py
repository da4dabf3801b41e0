"""One notebook under judgement: its cells run in a kernel, its answers asked for one by one.

A cell that no kernel survives costs the learner that cell, not the other exercises: the kernel is
replaced, and the other cells run again.
"""

from __future__ import annotations

import textwrap
import time
from dataclasses import dataclass

from minihv.course.books.kernel import MOST_BYTES, Kernel, Ran
from minihv.course.books.notebooks import Cell, Notebook
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.course.texts import say
from minihv.course.verdicts import decide

MORE_SECONDS = 10.0  # for an answer, beyond the budget that it keeps by itself
MOST_RESTARTS = 8
# Errors that a cell of an unsolved exercise is expected to end with.
EXPECTED = ("NotYet", "NotImplementedError")


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

    def __init__(self, notebook: Notebook, cell_seconds: float, notes: list[str]):
        self.notebook, self.seconds, self.notes = notebook, cell_seconds, notes
        self.kernel: Kernel | None = None
        self.skipped: set[Cell] = set()

    def judge(self, one: Exercise, seed: int) -> Row:
        """Return the row of one exercise."""
        kernel = self._ready()
        started = time.monotonic()
        instance = one.instance(seed)
        ran, outcomes = kernel.ask(one.id, one.form.ask(instance),
                                   one.beside.seconds + MORE_SECONDS)
        if ran.gone or ran.how == "slow":
            self.close()
            key = "answer_died" if ran.how == "died" else "answer_stuck"
            verdict = wrong(key)
            text = say("judge", key, id=one.id, seconds=one.beside.seconds + MORE_SECONDS)
        else:
            verdict = decide(one, outcomes, instance)
            text = verdict.text(one.id)
        return Row(one, verdict, text, time.monotonic() - started)

    def close(self) -> None:
        """Kill the kernel, if there is one."""
        if self.kernel is not None:
            kernel, self.kernel = self.kernel, None
            kernel.close()

    def _ready(self) -> Kernel:
        """Return a kernel that has run all cells but those that kernels do not survive."""
        for _ in range(MOST_RESTARTS):
            if self.kernel is not None:
                return self.kernel
            self.kernel = Kernel(self.notebook.path.resolve().parent)
            for cell in self.notebook.cells:
                if cell not in self.skipped and not self._run(self.kernel, cell):
                    self.close()
                    break
        if self.kernel is not None:
            return self.kernel
        self.kernel = Kernel(self.notebook.path.resolve().parent)  # with what there is: nothing
        return self.kernel

    def _run(self, kernel: Kernel, cell: Cell) -> bool:
        """Run a cell and note what is wrong with it; tell if the kernel survived."""
        ran = kernel.run(cell.source, self.seconds)
        if ran.how != "ok":
            note = self._note(cell, ran)
            if note and note not in self.notes:
                self.notes.append(note)
        if ran.how in ("slow", "flood") or ran.gone:
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
        return say("judge", ran.how, cell=cell, seconds=self.seconds, most=MOST_BYTES >> 20)

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
