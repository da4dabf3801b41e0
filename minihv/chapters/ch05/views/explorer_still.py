"""The views of paging as still pictures, for the stored page."""

from __future__ import annotations

from typing import Any

from minihv.course.views.draw import PALETTE, box, path, svg, text, wrapped

WIDTH = 860
CELL = 13  # units of a page's square in the map
ACROSS = 64


def _row(row: dict[str, Any], words: dict[str, str], x: float, y: float, wide: float) -> list[str]:
    fresh = bool(row.get("fresh"))
    parts = [box(x, y, wide, 42, "#FDF1D6" if fresh else "paper",
                 line="attention" if fresh else "line")]
    ink = "#1F2328" if fresh else "ink"
    head = words["level"].format(**row)
    if wide > 350:
        head += "  " + words["entry"].format(**row)
    tag = words["filled_now"] if fresh else words["protected"] if row.get("protected") else ""
    told = words["maps" if row["kind"] == "leaf" else "points"].format(**row)
    line = words["empty"] if row["kind"] == "none" else f"{row['bits']} {told}"
    return [*parts, text(x + 10, y + 17, head, size=12, bold=True, ink=ink),
            text(x + 10, y + 34, line, size=12, mono=True, ink=ink),
            text(x + wide - 8, y + 17, tag, size=11, anchor="end", ink=ink)]


def _square(kind: str, x: float, y: float, size: float) -> list[str]:
    """Return one page of the map; the forms differ as well as the colours."""
    inner = x + 1, y + 1, size - 2, size - 2
    if kind == "b":
        return [box(*inner, PALETTE["host"], round=2)]
    if kind == "r":
        corner = f"M{x + size - 1} {y + 1}V{y + size - 1}H{x + 1}z"
        return [box(*inner, PALETTE["host"], round=2),
                f'<path d="{corner}" fill="{PALETTE["attention"]}"/>']
    if kind == "g":
        return [box(x + 2, y + 2, size - 4, size - 4, "paper", line="VU", thick=2, round=1)]
    if kind == "k":
        return [box(*inner, "paper", line="hardware", round=2)]
    if kind == "s":
        return [box(*inner, PALETTE["fault"], round=2),
                path(f"M{x + 3} {y + size - 3}L{x + size - 3} {y + 3}", "paper", thick=2)]
    return [box(*inner, "tint", round=2)]


def explorer_still(state: dict[str, Any], words: dict[str, str]) -> str:
    """PagingExplorer: the exit, both paths side by side, the map of the pages around."""
    where = words["where"].format(**state)
    parts = [text(16, 26, words["title"], bold=True, size=14),
             text(WIDTH - 16, 26, where, size=12, ink="faint", anchor="end")]
    y = 48.0
    for line in wrapped(state["story"], 120):
        parts.append(text(16, y, line, size=12.5))
        y += 17
    parts.append(text(16, y + 4, words["address"].format(**state), size=12.5, bold=True))
    y += 16
    sides = [side for side in ("guest", "shadow", "nested") if state[side] is not None]
    wide = (WIDTH - 32 - 12 * (len(sides) - 1)) / len(sides)
    ends = {"guest": ("gpa", "gpa"), "shadow": ("hpa", "hpa"), "nested": ("hpa", "nested_hpa")}
    for k, side in enumerate(sides):
        x = 16 + k * (wide + 12)
        parts += [box(x, y, wide, 4, "VS" if side == "guest" else "host"),
                  text(x, y + 22, words[side], bold=True, size=12.5)]
        for n, row in enumerate(state[side]):
            parts += _row(row, words, x, y + 30 + 47 * n, wide)
        if not state[side]:
            none = words["no_stage" if side == "nested" else "no_table"]
            parts.append(text(x, y + 48, none, size=12, ink="faint"))
        name, key = ends[side]
        said = f"{words['leads']} {name} {state[key] or words['nowhere']}"
        parts.append(text(x, y + 30 + 141 + 16, said, size=12, bold=True))
    y += 206
    parts += [text(16, y, state["verdict"], size=12.5, bold=True),
              text(16, y + 24, words["map"].format(**state), size=12, ink="faint")]
    y += 32
    for n, kind in enumerate(state["cells"]):
        parts += _square(kind, 16 + CELL * (n % ACROSS), y + CELL * (n // ACROSS), CELL)
    here = state["page"]
    parts.append(box(16 + CELL * (here % ACROSS), y + CELL * (here // ACROSS), CELL, CELL, "none",
                     line="ink", thick=2, round=2))
    y += CELL * 8 + 8
    x = 16.0
    for kind in "brgksn":
        name = words[f"short_{kind}"]
        parts += [*_square(kind, x, y, CELL), text(x + 18, y + 11, name, size=12, ink="faint")]
        x += 34 + 6.6 * len(name)
    told = ", ".join(f"{words['kind_' + kind]} {count:,}"
                     for kind, count in state["counts"].items())
    parts.append(text(16, y + 36, f"{words['counts']}: {told}", size=12))
    return svg(WIDTH, y + 50, words["title"], *parts,
               description=f"{where}. {state['story']} {state['verdict']}")
