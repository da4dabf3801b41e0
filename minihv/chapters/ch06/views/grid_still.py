"""The views of paging as still pictures, for the stored page."""

from __future__ import annotations

from typing import Any

from minihv.course.views.draw import box, svg, text, wrapped

WIDTH = 860


def grid_still(grid: dict[str, Any], shown: int, said: str, words: dict[str, str]) -> str:
    """WalkGrid: a square for each reference, those told so far filled."""
    head = f"{words['title']}: {words[grid['access']]} {grid['gva']}"
    parts = [text(16, 26, head, bold=True, size=14)]
    left, wide, tall = 270, 140, 56
    for k, name in enumerate(("g2", "g1", "g0", "own")):
        x = left + k * (wide + 6)
        parts += [text(x + wide / 2, 54, words[name], size=12, anchor="middle", ink="faint"),
                  box(x, 60, wide, 3, "VS" if name == "own" else "host")]
    y = 70.0
    for row in grid["rows"]:
        for n, line in enumerate(wrapped(words[row["name"]].format(**row), 36)):
            parts.append(text(16, y + 24 + 16 * n, line, size=12.5))
        for k, cell in enumerate(row["cells"]):
            if cell:
                parts += _reference(cell, shown, left + k * (wide + 6), y, wide, tall)
        y += tall + 6
    position = words["position"].format(shown=shown, count=grid["count"])
    parts.append(text(16, y + 20, position, bold=True, size=14))
    y += 40
    for line in wrapped(said, 122):
        parts.append(text(16, y, line, size=12.5))
        y += 17
    return svg(WIDTH, y + 4, words["title"], *parts, description=f"{position}. {said}")


def _reference(cell: dict[str, Any], shown: int, x: float, y: float, wide: float,
               tall: float) -> list[str]:  # fmt: skip
    read, own = cell["number"] <= shown, cell["stage"] != "G"
    line = "fault" if read and cell["kind"] == "fault" else "VS" if own else "host"
    fill = ("#FBE6D9" if line == "fault" else "#F3DDE9" if own else "#DCF2EA") if read else "paper"
    now = [box(x - 2, y - 2, wide + 4, tall + 4, "none", line="attention", thick=3)] \
        if cell["number"] == shown else []
    ink = "#1F2328" if read else "faint"
    parts = [box(x, y, wide, tall, fill, line=line if read else "line"), *now,
             text(x + wide / 2, y + 18, str(cell["number"]), bold=True, anchor="middle", ink=ink)]
    if read:
        parts += [text(x + wide / 2, y + 34, cell["at"], size=11.5, mono=True, anchor="middle",
                       ink=ink),
                  text(x + wide / 2, y + 49, cell["bits"] or "?", size=11.5, mono=True,
                       anchor="middle", ink=ink)]  # fmt: skip
    return parts
