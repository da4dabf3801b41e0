"""WalkGrid: the two-dimensional walk of a guest's access, one square a memory reference."""

from __future__ import annotations

from typing import Any

import traitlets

from minihv.course.views.view import View, page
from minihv.errors import ConfigError
from minihv.hw import inspect
from minihv.hw.bits import MASK64
from minihv.hw.hart import Hart

COLUMNS = 4  # the G-stage's levels 2, 1, 0, then the guest's own PTE


class WalkGrid(View):
    """The walk of `gva` on a `hart` that runs a guest (`vm.physical`), reference by reference.

    Rows are what has to be found: the guest's PTE of each level, and at last the page. Columns are
    the references for it: the G-stage's levels, then the guest's PTE itself. access: "read",
    "write", "fetch"; whole: show all of it at once. `shown` is how many references are told.
    """

    _esm, _css = page(__file__)
    place = "walk_grid"
    grid = traitlets.Dict().tag(sync=True)
    shown = traitlets.Int(0).tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)

    def __init__(self, hart: Hart, gva: int, access: str = "read", whole: bool = False):
        super().__init__()
        self._hart = hart
        self._turn = 0
        self.look(gva, access)
        if whole:
            self.show(self.grid["count"])

    def look(self, gva: int, access: str | None = None) -> None:
        """Start the walk of another address."""
        access = access or self.grid["access"]
        if access not in ("read", "write", "fetch"):
            raise ConfigError(f"access {access!r}: choose read, write or fetch")
        found = inspect.walk(self._hart, gva, access)
        self._turn += 1
        self.grid = {
            "turn": self._turn, "gva": f"{gva & MASK64:#x}", "access": access,
            "rows": rows(found), "count": len(found.steps), "verdict": found.verdict,
            "gpa": "" if found.gpa is None else f"{found.gpa:#x}",
            "pa": "" if found.pa is None else f"{found.pa:#x}", "fault": found.cause is not None,
        }  # fmt: skip
        self.show(0)

    def show(self, references: int) -> None:
        """Tell the walk up to that many references."""
        self.shown = max(0, min(int(references), self.grid["count"]))
        self.said = self._story()

    def _story(self) -> str:
        g = self.grid
        if self.shown == 0:
            return str(self.words["ready" if g["count"] else "end"]).format(**g)
        cell = next(c for row in g["rows"] for c in row["cells"] if c and c["number"] == self.shown)
        key = f"reads_{cell['stage']}"
        story = str(self.words[key]).format(**cell)
        return f"{story} {self.words['end'].format(**g)}" if self.shown == g["count"] else story

    def obey(self, command: dict[str, Any]) -> None:
        """Do what the page asks for."""
        if command["do"] == "move":
            self.show(self.shown + int(command["with"]))
        elif command["do"] == "show":
            self.show(int(command["with"]))
        else:
            text = command["with"].strip()
            try:
                gva = int(text, 16)
                if not 0 <= gva <= MASK64:
                    raise ValueError
            except ValueError:
                self.said = str(self.words["bad_address"]).format(text=text)
                return
            self.look(gva, command["access"])

    def text(self) -> str:
        """Return each reference told so far, in a table."""
        g, w = self.grid, self.words
        lines = [f"{w['title']}: {w[g['access']]} {g['gva']}"]
        for row in g["rows"]:
            numbers = [str(c["number"]) if c and c["number"] <= self.shown else "."
                       for c in row["cells"]]  # fmt: skip
            name = w[row["name"]].format(**row)
            lines.append(f"  {name:34}" + "".join(f"{number:>5}" for number in numbers))
        return "\n".join([*lines, w["position"].format(shown=self.shown, count=g["count"]),
                          self.said])  # fmt: skip

    def picture(self) -> str:
        """Return the grid as a picture."""
        from minihv.chapters.ch06.views.grid_still import grid_still

        return grid_still(self.grid, self.shown, self.said, dict(self.words))


def rows(found: inspect.Walk) -> list[dict[str, Any]]:
    """Return the references of a walk, by what they help to find."""
    told: list[dict[str, Any]] = []
    cells: list[dict[str, Any] | None] = [None] * COLUMNS
    for number, step in enumerate(found.steps, 1):
        own = step.stage != "G"
        cells[3 if own else 2 - step.level] = {
            "number": number, "stage": step.stage, "level": step.level, "index": step.index,
            "at": f"{step.pte_address:#x}", "bits": step.bits, "kind": step.kind,
            "gpa": f"{step.source & MASK64:#x}", "verdict": step.verdict,
        }  # fmt: skip
        if own:
            told.append({"name": "row_pte" if step.stage == "VS" else "row_own",
                         "level": step.level, "gpa": f"{step.source & MASK64:#x}",
                         "cells": cells})  # fmt: skip
            cells = [None] * COLUMNS
    if any(cells):
        last = next(cell for cell in cells if cell)
        page = found.gpa is not None
        told.append({"name": "row_page" if page else "row_pte", "gpa": last["gpa"],
                     "level": 2 - len(told), "cells": cells})  # fmt: skip
    return told
