"""PageWalkView as a still picture, for the stored page: what was there when the cell ran."""

from __future__ import annotations

from typing import Any

from minihv.course.views.draw import box, path, svg, text, wrapped

WIDTH = 860
LEVELS = {2: "#00527F", 1: "S", 0: "U"}     # one world, so one hue


def _split_bar(walk: dict[str, Any], y: float) -> list[str]:
    """Return the address as its parts, each as wide as its bits, low levels to the right."""
    parts, x = [], 16.0
    unit = (WIDTH - 32 - 110) / 39
    for part in walk["split"]:
        level = {"VPN[2]": 2, "VPN[1]": 1, "VPN[0]": 0}.get(part["name"])
        wide = 110 if part["name"] == "ext" else unit * (part["high"] - part["low"] + 1)
        line = "hardware" if level is None else LEVELS[level]
        parts += [box(x, y, wide - 4, 44, "paper", line="line"), box(x, y, wide - 4, 4, line)]
        name = "bits 63–39" if part["name"] == "ext" else part["name"]
        value = part["binary"] if part["name"] != "ext" else f"{part['value']:#x}"
        parts += [text(x + wide / 2, y + 20, name, size=12, bold=True, anchor="middle"),
                  text(x + wide / 2, y + 36, value, size=12, mono=True, anchor="middle")]
        x += wide
    return parts


def _table(step: dict[str, Any], x: float, y: float, wide: float, words: dict[str, str],
           verdict: str) -> list[str]:
    """Return one table of the walk: which entry was read, its flags, what follows."""
    bad = step["kind"] == "fault"
    flags = " ".join(f["name"] if f["value"] != "0" else "·" for f in step["fields"][5:])
    title = words["table"].format(**step) + " " + words["table_at"].format(**step)
    parts = [box(x, y, wide, 104, "paper", line="fault" if bad else "line", thick=2 if bad else 1),
             box(x, y, wide, 4, LEVELS[step["level"]]),
             text(x + 10, y + 24, title, size=12, bold=True),
             text(x + 10, y + 46, words["entry"].format(**step), size=12, ink="faint"),
             text(x + 10, y + 64, step["pte"] or "?", size=12, mono=True),
             text(x + 10, y + 82, flags, size=12, mono=True)]
    lines = wrapped(verdict, int(wide / 7.4))[:2]
    return parts + [text(x + 10, y + 122 + 15 * k, line, size=12, bold=bad)
                    for k, line in enumerate(lines)]


def walk_still(walk: dict[str, Any], shown: int, said: str, words: dict[str, str],
               verdict: Any) -> str:
    """PageWalkView: the split address, a box for each table read, the end."""
    head = f"{words[walk['access']]}, {words[walk['mode']]}: {walk['va']}"
    parts = [text(16, 28, head, bold=True, mono=True), *_split_bar(walk, 42)]
    wide = (WIDTH - 32 - 36) / 3
    for k, step in enumerate(walk["steps"][:shown]):
        x = 16 + k * (wide + 18)
        if k:
            parts.append(path(f"M{x - 17:g} 160H{x - 2:g}", arrow=True))
        parts += _table(step, x, 108, wide, words, verdict(step))
    parts.append(text(16, 282 if shown else 118, said, bold=True))
    return svg(WIDTH, 300 if shown else 136, words["title"], *parts, description=said)
