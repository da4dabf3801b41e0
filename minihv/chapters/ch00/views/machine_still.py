"""MachineView as a still picture, for the stored page: what was there when the cell ran."""

from __future__ import annotations

from typing import Any

from minihv.course.views.draw import NOMINAL, box, colours, svg, text

WIDTH = 860


def _clip(words: str, width: float, size: float = 12) -> str:
    """`words` cut to what fits into `width` in the monospaced face."""
    room = int(width / (size * NOMINAL))
    return words if len(words) <= room else words[: room - 1] + "…"


def machine_still(state: dict[str, Any], words: dict[str, str]) -> str:
    """MachineView: code on the left, registers on the right, console below."""
    badge = colours(state["priv"])
    name = words[state["priv"]]
    wide = 24 + 7.2 * len(name)
    where = words["where"].format(now=f"{state['now']:,}", far=f"{state['far']:,}")
    place = f"pc {state['pc']}  {state['symbol']}"
    parts = [box(16, 12, wide, 22, badge["fill"], round=11),
             text(16 + wide / 2, 27.5, name, size=12, ink=badge["ink"], bold=True, anchor="middle"),
             text(28 + wide, 28, place, mono=True, bold=True),
             text(WIDTH - 16, 28, where, ink="faint", anchor="end", size=12)]
    y = 58.0
    for row in state["code"]:
        if row["label"]:
            parts.append(text(40, y, row["label"] + ":", mono=True, size=12, ink="S", bold=True))
            y += 17
        if row["here"]:
            parts += [box(16, y - 13, 470, 18, "tint", line="S", round=3),
                      text(22, y, "▶", size=11, ink="S")]
        if row["breakpoint"]:
            parts.append(f'<circle cx="28" cy="{y - 4}" r="4" fill="#E69F00"/>')
        line = f"{row['pc'][2:]}  {row['word']:<8}  {row['text']}"
        parts.append(text(40, y, _clip(line, 440), mono=True, size=12, bold=row["here"]))
        y += 17
    for k, row in enumerate(state["registers"]):
        x, at = 506 + 174 * (k // 16), 58 + 17 * (k % 16)
        if row["was"]:
            parts.append(box(x - 5, at - 13, 166, 17, "#FDF1D6", line="attention", round=3))
        ink = "#1F2328" if row["was"] else "ink"
        shown = f"{row['name']:<5}{row['value'][2:]}"
        parts.append(text(x, at, shown, mono=True, size=12, ink=ink, bold=bool(row["was"])))
    told = [row for row in state["csrs"] if int(row["value"], 16)]
    for k, row in enumerate(told[: max(0, int(y - 346) // 17)]):
        line = f"{row['name']:<9}{row['value'][2:]} {row['fields']}"
        parts.append(text(506, 352 + 17 * k, _clip(line, 340), mono=True, size=12,
                          bold=bool(row["was"])))
    y = max(y, 58 + 17 * 16) + 6
    tail = (state["console"].rstrip("\n").splitlines() or [words["console_empty"]])[-8:]
    parts += [box(16, y, WIDTH - 32, 17 * len(tail) + 12, "#14181D", round=5)]
    parts += [text(26, y + 19 + 17 * k, _clip(line.replace("\r", ""), WIDTH - 60), mono=True,
                   size=12, ink="#E3E8EE") for k, line in enumerate(tail)]
    return svg(WIDTH, y + 17 * len(tail) + 26, words["title"], *parts,
               description=f"{name}, {place}, {where}")
