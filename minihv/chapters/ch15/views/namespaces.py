"""NamespaceView: host and containers side by side, one row for each kind of namespace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import traitlets

from minihv.chapters.ch15.views.facts import KINDS, changed, rows_of
from minihv.course.views.draw import NOMINAL, PALETTE, box, svg, text
from minihv.course.views.view import View, page
from minihv.errors import ConfigError

WIDTH, LEFT, ROW = 860, 92, 38


class NamespaceView(View):
    """What processes see: NamespaceView(host=world.init, box=box), of the model or of Linux.

    Each argument is a process with a `view()`; the first one is what the others are compared
    with. `look("title", box=other)` looks again, perhaps at others, and keeps what was seen as a
    new frame; `frames` are all of them, `at` is the one that is shown. kinds: the rows to show.
    """

    _esm, _css = page(__file__)
    place = "namespace_view"
    frames: Any = traitlets.List().tag(sync=True)
    at = traitlets.Int(0).tag(sync=True)
    kinds = traitlets.List(traitlets.Unicode()).tag(sync=True)
    looked = traitlets.Int(0).tag(sync=True)
    colour = traitlets.Dict().tag(sync=True)

    def __init__(self, title: str = "", *, kinds: Sequence[str] = KINDS, **processes: Any):
        wrong = [kind for kind in kinds if kind not in KINDS]
        if wrong or not processes:
            raise ConfigError(f"NamespaceView: give at least one process, such as host=world.init, "
                              f"and kinds of {', '.join(KINDS)}"
                              + (f"; there is no {wrong[0]!r}" if wrong else ""))
        super().__init__(kinds=[*kinds], colour={"own": PALETTE["U"], "host": PALETTE["hardware"]})
        self._processes = processes
        self.look(title)

    def look(self, title: str = "", **processes: Any) -> NamespaceView:
        """Look at all processes once more, and keep it as a new frame; `processes` are added to
        the columns, or take the place of those of the same name."""
        self._processes |= processes
        self.frames = [*self.frames, self._frame(title, self.frames[-1:])]
        self.at = len(self.frames) - 1
        return self

    def again(self) -> None:
        """Look once more and put it in the place of the last frame: what is there now."""
        last = self.frames[-1]
        self.frames = [*self.frames[:-1], self._frame(last["title"], self.frames[-2:-1])]
        self.at = len(self.frames) - 1
        self.looked += 1

    def _frame(self, title: str, before: list[dict[str, Any]]) -> dict[str, Any]:
        columns = rows_of(self._processes, self.words)
        changed(before[0]["columns"] if before else columns, columns)
        return {"title": title or self.words["now"], "columns": columns}

    def obey(self, command: dict[str, Any]) -> None:
        """Do what the page asks for."""
        if command["do"] == "look":
            self.again()

    # --- still forms ------------------------------------------------------------------------

    @property
    def shown(self) -> dict[str, Any]:
        """The frame that is shown."""
        return dict(self.frames[self.at])

    def text(self) -> str:
        """Return the frame as a table, and what has items below it."""
        lines = [f"{self.words['title']}: {self.shown['title']}"]
        for kind in self.kinds:
            lines.append(self.words[f"kind_{kind}"])
            for column in self.shown["columns"]:
                row = column["rows"].get(kind)
                said = f"{row['value'] or '·'} [{row['whose']}]" if row else self.words["gone"]
                lines.append(f"  {column['name']}: {said}")
                lines += [f"      {item}" for item in (row["items"] if row else [])]
        return "\n".join(lines)

    def picture(self) -> str:
        """Return the frame as a grid: kinds down, processes across."""
        columns = self.shown["columns"]
        wide = (WIDTH - LEFT - 20) / len(columns)
        parts = [text(16, 28, self.shown["title"], bold=True, size=14)]
        for n, column in enumerate(columns):
            parts.append(text(LEFT + n * wide + 12, 54, column["name"], bold=True, size=13))
        for k, kind in enumerate(self.kinds):
            y = 64 + k * ROW
            parts.append(text(16, y + 22, kind, mono=True, size=12.5))
            for n, column in enumerate(columns):
                parts += _cell(column["rows"].get(kind), LEFT + n * wide, y, wide - 8,
                               self.words["gone"])
        return svg(WIDTH, 72 + len(self.kinds) * ROW, self.words["title"], *parts,
                   description=self.text())


def _cell(row: dict[str, Any] | None, x: float, y: float, wide: float, gone: str) -> list[str]:
    """Return one process's answer, and whose namespace it is in: its own has a bar and a rim."""
    if row is None:
        return [text(x + 12, y + 20, gone, size=12, ink="faint")]
    rim = "attention" if row.get("new") else "U" if row["own"] else "line"
    parts = [box(x, y, wide, ROW - 5, "paper", line=rim, thick=2 if row.get("new") else 1),
             box(x, y, 5, ROW - 5, "U" if row["own"] else "line", round=2)]
    at = y + 15
    if row["value"]:
        room = int((wide - 20) / (12 * NOMINAL))
        value = row["value"] if len(row["value"]) <= room else row["value"][: room - 1] + "…"
        parts.append(text(x + 12, y + 14, value, size=12, mono=True, bold=row["own"]))
        at = y + 28
    else:
        at = y + 21
    return [*parts, text(x + 12, at, row["whose"], size=11, ink="faint")]
