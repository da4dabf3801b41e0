"""Still figures in the house style: the picture of the machine, bar charts, line charts.

Each function returns a `Picture`: shown as the last value of a cell it follows the page's theme,
and its stored form is SVG with the same in words.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from minihv.course.views.draw import PALETTE, box, dot, ink_on, path, svg, text
from minihv.course.views.picture import Picture
from minihv.course.views.view import words
from minihv.errors import ConfigError

WIDTH = 860
# What each chapter builds, as parts of the picture.
CHAPTERS: dict[str, tuple[str, ...]] = {
    "00": (), "01": ("hart", "mmu", "timer"), "02": ("vcpu",), "03": ("vcpu",),
    "04": ("hart", "vcpu"), "05": ("memory",), "06": ("mmu", "memory"), "07": ("kernel",),
    "08": ("devices",), "09": ("vcpu", "memory", "devices", "scheduler"), "10": ("scheduler",),
    "11": ("memory",), "12": ("apps", "kernel"), "13": ("network",), "14": ("storage",),
    "15": ("process",), "16": ("apps", "kernel", "process"), "17": ("hart", "mmu", "timer", "io"),
    "18": ("cloud",), "19": (),
}
# Part: x, y, width, height, palette entry. From the hardware up to the cloud.
PARTS: dict[str, tuple[int, int, int, int, str]] = {
    "cloud": (16, 16, 828, 32, "host"),
    "apps": (28, 92, 170, 38, "VU"), "kernel": (28, 134, 170, 38, "VS"),
    "apps ": (228, 92, 170, 38, "VU"), "kernel ": (228, 134, 170, 38, "VS"),
    "process": (440, 134, 196, 38, "U"), "host_kernel": (428, 190, 220, 80, "S"),
    "vcpu": (28, 218, 90, 40, "host"), "memory": (122, 218, 90, 40, "host"),
    "devices": (216, 218, 90, 40, "host"), "scheduler": (310, 218, 88, 40, "host"),
    "hart": (28, 304, 112, 40, "hardware"), "mmu": (146, 304, 112, 40, "hardware"),
    "timer": (264, 304, 200, 40, "hardware"), "io": (470, 304, 166, 40, "hardware"),
    "network": (700, 190, 144, 80, "hardware"), "storage": (700, 276, 144, 80, "hardware"),
}
FRAMES = {  # x, y, width, height, outline; the name is in the upper left
    "vm": (16, 62, 194, 122, "VS"), "vm ": (216, 62, 194, 122, "VS"),
    "container": (428, 104, 220, 80, "U"), "vmm": (16, 190, 394, 80, "host"),
    "hardware": (16, 276, 632, 80, "hardware"),
}


def machine_picture(chapter: str = "", lit: Sequence[str] = ()) -> Picture:
    """Who sits on whom; what `chapter` ("05") builds is lit, or the parts named in `lit`.

    Parts are the keys of PARTS. A chapter that lights nothing (00, 19) shows all in full colour.
    """
    known = {part.strip() for part in PARTS}
    chosen = set(lit) or set(CHAPTERS.get(chapter[:2], ()))
    if not chosen <= known or (chapter and chapter[:2] not in CHAPTERS):
        raise ConfigError(f"machine_picture({chapter!r}, {sorted(chosen - known)}): give a chapter "
                          f"from 00 to 19, or parts of {', '.join(sorted(known))}")
    say = words("machine_picture")
    drawn = [part for name, frame in FRAMES.items() for part in _frame(say[name.strip()], *frame)]
    drawn += [path("M648 316H700M674 316V230H700", "hardware")]
    for name, place in PARTS.items():
        drawn += _part(say[name.strip()], not chosen or name.strip() in chosen, bool(chosen),
                       *place)
    names = ", ".join(say[part] for part in PARTS if part in chosen) or "everything"
    said = say["text"].format(lit=names)
    return Picture(svg(WIDTH, 372, say["title"], *drawn, description=said), said)


def _frame(name: str, x: float, y: float, wide: float, tall: float, line: str) -> list[str]:
    return [box(x, y, wide, tall, "tint", line=line, round=6),
            text(x + 10, y + 19, name, size=12, ink="faint", bold=True)]


def _part(name: str, full: bool, marked: bool, x: float, y: float, wide: float, tall: float,
          colour: str) -> list[str]:
    """Return a part in full colour, or faded where another is lit; lit ones have a rim."""
    middle = x + wide / 2, y + tall / 2 + 4.5
    if not full:
        return [box(x, y, wide, tall, PALETTE[colour], line=colour, see=0.16),
                text(*middle, name, anchor="middle", size=12.5)]
    rim = [box(x - 3, y - 3, wide + 6, tall + 6, "attention", round=6)] if marked else []
    return [*rim, box(x, y, wide, tall, PALETTE[colour]),
            text(*middle, name, anchor="middle", size=12.5, bold=True, ink=ink_on(PALETTE[colour]))]


# --- charts -----------------------------------------------------------------------------------

STYLES = (("S", "", "circle"), ("VS", "6 3", "square"), ("host", "2 3", "triangle"),
          ("fault", "8 3 2 3", "diamond"), ("hardware", "", "square"))


def number(value: float) -> str:
    """Return a number for people: 1,234 or 12.3 or 0.0042."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.3g}"


def bars(values: Mapping[str, float], *, title: str, unit: str = "", log: bool = False,
         predicted: Mapping[str, float] | None = None,
         colours: Mapping[str, str] | None = None) -> Picture:
    """Horizontal bars from 0, each with its value; with `log` dots over an axis.

    (A logarithmic scale has no 0, so that the length of a bar would say nothing.)
    predicted: a learner's guesses by the same names, drawn as marks. colours: palette entries.
    """
    guesses = predicted or {}
    every = [value for value in (*values.values(), *guesses.values()) if value > 0 or not log]
    if not values or any(value < 0 for value in values.values()) or not every:
        raise ConfigError(f"bars {title!r}: give at least one value, and none below 0")
    ends = _round_ends(every) if log else every
    place = _scale(ends, log, 0, WIDTH - 350, from_zero=not log)
    parts = [text(16, 26, title, bold=True, size=14)]
    lines_said = [title]
    y = 44
    if log:
        parts += _axis(ends, place, y, y + 34 * len(values))
    for name, value in values.items():
        wide = max(place(value), 1.5)
        colour = (colours or {}).get(name, "S")
        shown = f"{number(value)} {unit}".strip()
        parts.append(text(196, y + 18, name, anchor="end"))
        if log:
            wide += 6
            parts.append(dot(206 + place(value), y + 14, 6, colour))
        else:
            parts.append(box(206, y + 4, wide, 20, colour, round=2))
        said, after = f"{name}: {shown}", 206 + wide + 8
        if name in guesses:
            x = 206 + place(guesses[name])
            if after - 10 < x < after + 9 * len(shown):  # the mark would cross the value
                after = x + 10
            parts += [path(f"M{x:g} {y}V{y + 28}", "attention", thick=3)]
            said += f" (predicted {number(guesses[name])})"
        parts.append(text(after, y + 18, shown, bold=True))
        lines_said.append(said)
        y += 34
    y += 22 if log else 0
    if guesses:
        parts += [path(f"M206 {y + 6}v14", "attention", thick=3),
                  text(216, y + 18, "your prediction", size=12, ink="faint")]
        y += 26
    foot = "logarithmic scale" if log else ""
    parts.append(text(WIDTH - 16, 26, foot, size=12, ink="faint", anchor="end"))
    return Picture(svg(WIDTH, y + 12, title, *parts, description="; ".join(lines_said)),
                   "\n".join(lines_said))


def _round_ends(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of a logarithmic axis: 1, 2 or 5 times a power of ten."""
    steps = [k * 10.0 ** p for p in range(-15, 19) for k in (1, 2, 5)]
    low = max((step for step in steps if step <= min(values)), default=steps[0])
    high = min((step for step in steps if step >= max(values)), default=steps[-1])
    return low, max(high, 2 * low)


def _axis(ends: Sequence[float], place: Callable[[float], float], top: float,
          foot: float) -> list[str]:
    """Return upright lines at round values, with these below."""
    parts = []
    for value in _ticks(ends, True, 9):
        x = 206 + place(value)
        parts += [path(f"M{x:.1f} {top}V{foot + 4}", "line", thick=1),
                  text(x, foot + 18, number(value), size=12, ink="faint", anchor="middle")]
    return parts


STACK = ("VS", "host", "attention", "U", "fault", "hardware")


def stacked(rows: Mapping[str, Mapping[str, float]], *, title: str, unit: str = "",
            beside: Mapping[str, float] | None = None, beside_name: str = "") -> Picture:
    """Horizontal bars made of parts, with the sum at the end: {row: {part: value}}.

    beside: one value more for a row, drawn as a mark named `beside_name`, such as a measured time,
    and told below the sum.
    """
    marks = beside or {}
    parts = list(dict.fromkeys(part for row in rows.values() for part in row))
    totals = {name: sum(row.values()) for name, row in rows.items()}
    if not rows or len(parts) > len(STACK) or any(v < 0 for r in rows.values() for v in r.values()):
        raise ConfigError(f"stacked {title!r}: give rows of 1 to {len(STACK)} parts, none below 0")
    place = _scale([*totals.values(), *marks.values()], False, 0, WIDTH - 350, from_zero=True)
    drawn, said, y = [text(16, 26, title, bold=True, size=14)], [title], 42.0
    x = 16.0
    for part, colour in [*zip(parts, STACK, strict=False), *([(beside_name, "")] if marks else [])]:
        wide = 46 + 7.2 * len(part)
        if x + wide > WIDTH:
            x, y = 16.0, y + 22
        mark = box(x, y, 14, 14, colour, round=2) if colour else _mark(x + 7, y, 14)
        drawn += [mark, text(x + 20, y + 12, part, size=12)]
        x += wide
    y += 26
    for name, row in rows.items():
        drawn.append(text(196, y + 18, name, anchor="end", size=12.5))
        x = 206.0
        for part, colour in zip(parts, STACK, strict=False):
            wide = place(row.get(part, 0))
            if wide > 0:
                drawn.append(box(x, y + 4, wide, 20, colour, round=0))
            x += wide
        told = f"{number(totals[name])} {unit}".strip()
        line = f"{name}: {told} ({', '.join(f'{p} {number(v)}' for p, v in row.items() if v)})"
        lift = 0
        if name in marks:
            at, lift = 206 + place(marks[name]), 6
            drawn.append(_mark(at, y, 28))
            line += f"; {beside_name} {number(marks[name])}"
            x = max(x, at)
            drawn.append(text(x + 10, y + 25, f"{beside_name} {number(marks[name])}", size=11))
        drawn.append(text(x + 10, y + 18 - lift, f"{told} in all" if lift else told, bold=True,
                          size=12.5))
        said.append(line)
        y += 32
    return Picture(svg(WIDTH, y + 8, title, *drawn, description="; ".join(said)), "\n".join(said))


def _mark(x: float, y: float, tall: float) -> str:
    """Return an upright line that is seen on each colour of a bar, on paper and in the dark."""
    d = f"M{x:.1f} {y}v{tall}"
    return path(d, "paper", thick=6) + path(d, "ink", thick=2.5)


def _scale(values: Sequence[float], log: bool, low: float, high: float,
           from_zero: bool = False) -> Callable[[float], float]:
    """Return a function from a value to a coordinate between `low` and `high`."""
    smallest, largest = min(values), max(values)
    if log:
        first = math.floor(math.log10(smallest)) if from_zero else math.log10(smallest)
        span = max(math.log10(largest) - first, 1e-9)
        return lambda v: low + (high - low) * (math.log10(max(v, 10.0 ** first)) - first) / span
    first = min(0.0, smallest) if from_zero else smallest
    span = (largest - first) or 1
    return lambda v: low + (high - low) * (v - first) / span


def _ticks(values: Sequence[float], log: bool, most: int) -> list[float]:
    """Round values inside the range, few enough to be labelled."""
    low, high = min(values), max(values)
    if log:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for steps in ((1, 2, 5), (1, 3), (1,)):
            found = [k * 10.0 ** p for p in powers for k in steps if low <= k * 10.0 ** p <= high]
            if len(found) <= most:
                return found
        return found[:: math.ceil(len(found) / most)]
    span = (high - low) or 1
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(k * power for k in (1, 2, 5, 10) if span / (k * power) <= most)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _marker(kind: str, x: float, y: float, colour: str) -> str:
    shapes = {"circle": "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "square": "m-3.6-3.6h7.2v7.2h-7.2z",
              "triangle": "m0-5 4.6 8.4h-9.2z", "diamond": "m0-5 5 5-5 5-5-5z"}
    return (f'<path d="M{x:.1f} {y:.1f}{shapes[kind]}" fill="{PALETTE[colour]}" '
            f'class="mark-{colour}"/>')


def lines(series: Mapping[str, Sequence[tuple[float, float]]], *, title: str, x: str, y: str,
          log_x: bool = False, log_y: bool = False,
          marks: Mapping[str, float] | None = None) -> Picture:
    """Lines through (x, y) points, one a series, told apart by dash and marker as well as colour.

    marks: vertical lines by name at values of x, such as a prediction or a size.
    """
    points = [point for line in series.values() for point in line]
    if not points or len(series) > len(STYLES):
        raise ConfigError(f"lines {title!r}: give 1 to {len(STYLES)} series with points")
    xs = [p[0] for p in points] + list((marks or {}).values())
    ys = [p[1] for p in points] + ([] if log_y else [0.0])
    if (log_x and min(xs) <= 0) or (log_y and min(ys) <= 0):
        raise ConfigError(f"lines {title!r}: a logarithmic axis takes only values above 0")
    right = WIDTH - 40
    to_x, to_y = _scale(xs, log_x, 74, right), _scale(ys, log_y, 318, 76)
    parts = [text(16, 26, title, bold=True, size=14), text(16, 62, y, size=12, ink="faint"),
             text(right, 362, x, size=12, ink="faint", anchor="end")]
    for value in _ticks(ys, log_y, 6):
        at = to_y(value)
        parts += [path(f"M74 {at:.1f}H{right}", "line", thick=1),
                  text(66, at + 4, number(value), size=12, ink="faint", anchor="end")]
    for value in _ticks(xs, log_x, 9):
        parts += [path(f"M{to_x(value):.1f} 318v5", "faint", thick=1),
                  text(to_x(value), 339, number(value), size=12, ink="faint", anchor="middle")]
    for k, (name, at) in enumerate((marks or {}).items()):
        end = to_x(at) > WIDTH - 200
        parts += [path(f"M{to_x(at):.1f} 76V318", "attention", thick=2, dash="4 3"),
                  text(to_x(at) + (-6 if end else 6), 88 + 16 * k, name, size=12,
                       anchor="end" if end else "start")]
    legend = 16.0
    for (name, line), (colour, dash, kind) in zip(series.items(), STYLES, strict=False):
        d = "M" + "L".join(f"{to_x(a):.1f} {to_y(b):.1f}" for a, b in sorted(line))
        parts += [path(d, colour, thick=2, dash=dash),
                  *(_marker(kind, to_x(a), to_y(b), colour) for a, b in line),
                  path(f"M{legend:g} 390h30", colour, thick=2, dash=dash),
                  _marker(kind, legend + 15, 390, colour),
                  text(legend + 38, 394.5, name, size=12.5)]
        legend += 62 + 7.2 * len(name)
    said = [title, *(f"{name}: " + ", ".join(f"{number(a)} → {number(b)}" for a, b in line)
                     for name, line in series.items()),
            *(f"{name}: at {number(at)}" for name, at in (marks or {}).items())]
    return Picture(svg(WIDTH, 410, title, *parts, description="; ".join(said)), "\n".join(said))
