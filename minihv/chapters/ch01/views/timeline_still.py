"""TrapTimeline as a still picture, for the stored page: what was there when the cell ran."""

from __future__ import annotations

from typing import Any

from minihv.chapters.ch01.views.lanes import BELIEVED, lane_colours, spends_after
from minihv.course.views.draw import area, box, path, svg, text

WIDTH = 860


def _columns(view: Any, width: int) -> list[dict[str, float]]:
    """For each of `width` columns of time the share that every mode ran in it."""
    first, last = view.span
    scale = width / (last - first)
    shares: list[dict[str, float]] = [{} for _ in range(width)]
    for event, until in view.stretches():
        mode, a, b = spends_after(event), (event.clock - first) * scale, (until - first) * scale
        for column in range(int(a), min(int(b) + 1, width)):
            part = min(b, column + 1) - max(a, column)
            shares[column][mode] = shares[column].get(mode, 0) + part
    return shares


def timeline_still(view: Any) -> str:
    """TrapTimeline: a lane for each privilege, tall where it ran all the time; causes below."""
    left, width, tall = 96, WIDTH - 96 - 16, 40
    words, parts, y = view.words, [], 34
    columns = _columns(view, width // 2)
    parts.append(text(16, 22, words["title"], bold=True))
    for mode in view.shown_lanes:
        colour, line = lane_colours(mode)["paint"], lane_colours(mode).get("line")
        parts += [text(16, y + tall / 2 + 5, words[mode], size=12),
                  box(left, y, width, tall, "tint", round=2)]
        bars = "".join(f"M{left + 2 * k} {y + tall}v{-tall * min(share[mode], 1):.1f}h2V{y + tall}z"
                       for k, share in enumerate(columns) if share.get(mode, 0) > 0.004)
        parts.append(area(bars, colour))
        if line:
            edge = "".join(f"M{left + 2 * k} {y + tall}h2v-4h-2z" for k, share in enumerate(columns)
                           if share.get(mode, 0) > 0.004)
            parts.append(area(edge, line))
        y += tall + 10
    exits = [left + width * (event.clock - view.span[0]) / (view.span[1] - view.span[0])
             for event in view.events if event.kind in ("exit", "vmexit")]
    ticks = "".join(f"M{x} 34v{tall}" for x in sorted({int(x) for x in exits}))
    if "host" in view.modes:
        parts.append(path(ticks, "host"))
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
