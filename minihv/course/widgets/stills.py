"""The views as still pictures, for the stored page: what was there when the cell ran."""

from __future__ import annotations

from typing import Any

from minihv.course.widgets.draw import NOMINAL, box, colours, path, svg, text

WIDTH = 860
LEVELS = {2: "#00527F", 1: "S", 0: "U"}     # one world, so one hue


def _clip(words: str, width: float, size: float = 12) -> str:
    """`words` cut to what fits into `width` in the monospaced face."""
    room = int(width / (size * NOMINAL))
    return words if len(words) <= room else words[: room - 1] + "…"


def machine_still(state: dict[str, Any], words: dict[str, str]) -> str:
    """MachineView: code on the left, registers on the right, console below."""
    badge = colours(state["priv"])
    name = words[state["priv"]]
    wide = 16 + 7.2 * len(name)
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


def _split_bar(walk: dict[str, Any], y: float) -> list[str]:
    """The address as its parts, each as wide as its bits, low levels to the right."""
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
    """One table of the walk: which entry was read, its flags, what follows."""
    bad = step["kind"] == "fault"
    flags = " ".join(f["name"] if f["value"] != "0" else "·" for f in step["fields"][5:])
    title = words["table"].format(**step) + " " + words["table_at"].format(**step)
    parts = [box(x, y, wide, 104, "paper", line="fault" if bad else "line", thick=2 if bad else 1),
             box(x, y, wide, 4, LEVELS[step["level"]]),
             text(x + 10, y + 24, title, size=12, bold=True),
             text(x + 10, y + 46, words["entry"].format(**step), size=12, ink="faint"),
             text(x + 10, y + 64, step["pte"] or "?", size=12, mono=True),
             text(x + 10, y + 82, flags, size=12, mono=True)]
    lines = _wrapped(verdict, int(wide / 7.4))[:2]
    return parts + [text(x + 10, y + 122 + 15 * k, line, size=12, bold=bad)
                    for k, line in enumerate(lines)]


def _wrapped(words: str, room: int) -> list[str]:
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + len(word) >= room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


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


def _columns(view: Any, width: int) -> list[dict[str, float]]:
    """For each of `width` columns of time the share that every mode ran in it."""
    from minihv.course.widgets.timeline import runs_after

    first, last = view.span
    scale = width / (last - first)
    shares: list[dict[str, float]] = [{} for _ in range(width)]
    for event, after in zip(view.events, view.events[1:], strict=False):
        mode, a, b = runs_after(event), (event.clock - first) * scale, (after.clock - first) * scale
        for column in range(int(a), min(int(b) + 1, width)):
            part = min(b, column + 1) - max(a, column)
            shares[column][mode] = shares[column].get(mode, 0) + part
    return shares


def timeline_still(view: Any) -> str:
    """TrapTimeline: a lane for each privilege, tall where it ran all the time; causes below."""
    from minihv.course.widgets.timeline import BELIEVED, lane_colours

    left, width, tall = 96, WIDTH - 96 - 16, 40
    words, parts, y = view.words, [], 34
    columns = _columns(view, width // 2)
    parts.append(text(16, 22, words["title"], bold=True))
    for mode in view.modes:
        colour, line = lane_colours(mode)["fill"], lane_colours(mode).get("line")
        parts += [text(16, y + tall / 2 + 5, words[mode], size=12),
                  box(left, y, width, tall, "tint", round=2)]
        bars = "".join(f"M{left + 2 * k} {y + tall}v{-tall * min(share[mode], 1):.1f}h2V{y + tall}z"
                       for k, share in enumerate(columns) if share.get(mode, 0) > 0.004)
        parts.append(f'<path d="{bars}" fill="{colour}"/>')
        if line:
            edge = "".join(f"M{left + 2 * k} {y + tall}h2v-4h-2z" for k, share in enumerate(columns)
                           if share.get(mode, 0) > 0.004)
            parts.append(f'<path d="{edge}" fill="{line}"/>')
        y += tall + 10
    exits = [left + width * (event.clock - view.span[0]) / (view.span[1] - view.span[0])
             for event in view.events if event.kind in ("exit", "vmexit")]
    ticks = "".join(f"M{x} 34v{tall}" for x in sorted({int(x) for x in exits}))
    if "host" in view.modes:
        parts.append(f'<path d="{ticks}" stroke="{colours("host")["fill"]}" stroke-width="1.5"/>')
    parts += [text(left, y + 8, f"{view.span[0]:,}", size=12, ink="faint"),
              text(left + width, y + 8, f"{view.span[1]:,}", size=12, ink="faint", anchor="end")]
    if any(mode in BELIEVED for mode in view.modes):
        y += 22
        parts.append(text(left, y + 8, words["outlined"], size=12, ink="faint"))
    y += 32
    for cause, times in view.by_cause()[:8]:
        parts.append(text(left - 10, y, f"{times:,}", size=12, mono=True, anchor="end"))
        parts.append(text(left, y, cause, size=12))
        y += 18
    return svg(WIDTH, y, words["title"], *parts, description=view.text())
