"""The picture of the theorem: which instructions are privileged, which sensitive, which both."""

from __future__ import annotations

from collections.abc import Mapping

from minihv.course.views.draw import box, svg, text
from minihv.course.views.picture import Picture
from minihv.course.views.view import words

WIDTH, PANEL, TALL = 860, 414, 268
# (privileged, sensitive) -> where its number is in a panel, and its name
REGIONS = {
    (True, False): (92, 150), (True, True): (207, 150), (False, True): (330, 150),
    (False, False): (368, 246),
}  # fmt: skip


def sets(machines: Mapping[str, Mapping[tuple[bool, bool], int]]) -> Picture:
    """Return a panel per machine: {title: {(privileged, sensitive): how many instructions}}.

    Sensitive ones that are not privileged decide the theorem, and are drawn as a fault.
    """
    say = words("theorem_sets")
    parts, told = [], [say["title"]]
    for k, (title, counts) in enumerate(machines.items()):
        parts += _panel(12 + k * (PANEL + 8), title, counts, say)
        told.append(say["text"].format(
            machine=title, both=counts.get((True, True), 0),
            privileged=counts.get((True, False), 0), bad=counts.get((False, True), 0),
            neither=counts.get((False, False), 0)))  # fmt: skip
    wide = WIDTH if len(machines) > 1 else PANEL + 24
    said = "\n".join(told)
    return Picture(svg(wide, TALL + 24, say["title"], *parts, description=said), said)


def _ellipse(x: float, y: float, rx: float, ry: float, colour: str, see: float) -> str:
    return (f'<ellipse cx="{x:g}" cy="{y:g}" rx="{rx:g}" ry="{ry:g}" fill="{colour}" '
            f'fill-opacity="{see:g}" stroke="{colour}" stroke-width="2"/>')  # fmt: skip


def _panel(x: float, title: str, counts: Mapping[tuple[bool, bool], int],
           say: Mapping[str, str]) -> list[str]:
    bad = counts.get((False, True), 0)
    right = "#D55E00" if bad else "#E69F00"
    parts = [box(x, 12, PANEL, TALL, "tint", line="line", round=6),
             text(x + 14, 36, title, bold=True, size=14),
             _ellipse(x + 150, 150, 130, 74, "#009E73", 0.16),
             _ellipse(x + 264, 150, 130, 58, right, 0.2),
             text(x + 30, 64, say["privileged"], size=12.5, bold=True),
             text(x + 384, 80, say["sensitive"], size=12.5, bold=True, anchor="end")]
    for region, (dx, y) in REGIONS.items():
        number = counts.get(region, 0)
        lit = region == (False, True) and number > 0
        parts.append(text(x + dx, y + 6, f"{number:,}", size=26 if lit else 20, bold=True,
                          anchor="middle"))
    parts += [text(x + 330, 174, say["bad"] if bad else "", size=12, anchor="middle", bold=True),
              text(x + 207, 174, say["both"], size=12, anchor="middle"),
              text(x + 92, 174, say["only"], size=12, anchor="middle"),
              text(x + 344, 252, say["neither"], size=12, anchor="end"),
              text(x + 14, 252, say["fails"] if bad else say["holds"], size=13, bold=True)]
    return parts
