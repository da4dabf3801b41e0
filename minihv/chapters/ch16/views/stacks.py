"""StacksView: one service in four forms; who sits on whom, and what a request crosses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import traitlets

from minihv.course.views.draw import PALETTE, box, ink_on, path, svg, text
from minihv.course.views.view import View, page
from minihv.errors import ConfigError

WIDTH, FLOOR, TALL, GAP, SEAM = 860, 352, 38, 34, 8
# From the hardware up: (name, palette entry, what is crossed to come down from there).
KERNEL = (("hardware", "hardware", ""), ("host_kernel", "S", "traps"))
STACKS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "process": (*KERNEL, ("service", "U", "calls")),
    "container": (*KERNEL, ("service", "U", "calls")),
    "vm": (*KERNEL, ("vmm", "host", "host_calls"), ("guest_kernel", "VS", "exits"),
           ("service", "VU", "calls")),
    "microvm": (*KERNEL, ("small_vmm", "host", "host_calls"), ("guest_kernel", "VS", "exits"),
                ("service", "VU", "calls")),
}  # fmt: skip


class StacksView(View):
    """`crossed` says what one request crosses: {form: {boundary: times}}.

    Forms: process, container, vm, microvm. Boundaries: "calls" (service to the kernel below it),
    "exits" (guest to hypervisor); each other key is a part of the exits, by reason. What is
    missing was not measured. Choosing a form tells its story.
    """

    _esm, _css = page(__file__)
    place = "stacks_view"
    drawing = traitlets.Unicode().tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    chosen = traitlets.Unicode("").tag(sync=True)
    forms = traitlets.List(list(STACKS)).tag(sync=True)

    def __init__(self, crossed: Mapping[str, Mapping[str, float]] | None = None):
        super().__init__()
        self.crossed = {form: dict(counts) for form, counts in (crossed or {}).items()}
        if not set(self.crossed) <= set(STACKS):
            raise ConfigError(f"StacksView: choose forms from {', '.join(STACKS)}")
        self.choose("")

    def choose(self, form: str) -> None:
        """Light one form's stack and tell its story; "" lights all."""
        if form not in ("", *STACKS):
            raise ConfigError(f"StacksView has no {form!r}: choose from {', '.join(STACKS)}")
        self.chosen = form
        self.said = self._story(form) if form else str(self.words["choose"])
        self.drawing = self.picture()

    def obey(self, command: dict[str, Any]) -> None:
        """Do what a button in the page asks for."""
        self.choose(str(command.get("with", "")))

    # --- in words -----------------------------------------------------------------------------

    def _times(self, form: str, boundary: str) -> str:
        """"12 exits", "2 system calls"; the boundary's name alone where nothing was counted."""
        times = self.crossed.get(form, {}).get(boundary)
        name = str(self.words[boundary])
        return name if times is None else f"{times:,.4g} {name}"

    def _story(self, form: str) -> str:
        counts = self.crossed.get(form, {})
        parts = [f"{times:,.4g} {reason}" for reason, times in sorted(
            counts.items(), key=lambda item: -item[1]) if reason not in ("calls", "exits")]
        story = str(self.words[f"about_{form}"])
        if not counts:
            return f"{story} {self.words['uncounted']}"
        crossed = [self._times(form, name) for name in ("calls", "exits") if name in counts]
        told = str(self.words["crossed"]).format(crossed=", ".join(crossed))
        more = str(self.words["reasons"]).format(reasons=", ".join(parts)) if parts else ""
        return " ".join(filter(None, (story, told, more)))

    def text(self) -> str:
        """Return all stacks in words."""
        lines = [str(self.words["title"])]
        for form, stack in STACKS.items():
            names = ", ".join(str(self.words[part]) for part, _, _ in stack)
            lines.append(f"{self.words[form]}: {names}. {self._story(form)}")
        return "\n".join(lines)

    # --- the picture --------------------------------------------------------------------------

    def picture(self) -> str:
        """Return the stacks beside each other."""
        wide = (WIDTH - 32) / len(STACKS)
        parts = [text(16, 26, str(self.words["title"]), bold=True, size=14)]
        for k, form in enumerate(STACKS):
            parts += self._stack(form, 16 + k * wide, wide - 14)
        return svg(WIDTH, FLOOR + 14, str(self.words["title"]), *parts, description=self.text())

    def _stack(self, form: str, x: float, wide: float) -> list[str]:
        full = self.chosen in ("", form)
        middle = x + wide / 2
        parts = [text(middle, 54, str(self.words[form]), bold=full, anchor="middle", size=13.5)]
        y = float(FLOOR)
        for name, colour, boundary in STACKS[form]:
            y -= TALL + (GAP if boundary in ("calls", "exits") else SEAM)
            see = 1.0 if full else 0.16
            fill = PALETTE[colour]
            parts.append(box(x, y, wide, TALL, fill, line=colour, see=see))
            label = str(self.words[name])
            ink = ink_on(fill) if full else "ink"
            parts.append(text(middle, y + TALL / 2 + 4.5, label, anchor="middle", size=12.5,
                              bold=full, ink=ink))
            if form == "container" and name == "service":
                parts.append(box(x - 4, y - 5, wide + 8, TALL + 10, "none", round=7,
                                 line="attention" if full else "hardware", thick=2))
            if boundary in ("calls", "exits"):
                parts += self._crossing(form, boundary, x + 14, y + TALL, full)
        return parts

    def _crossing(self, form: str, boundary: str, x: float, y: float, full: bool) -> list[str]:
        """Return an arrow down to what is asked and one back; an exit is drawn double."""
        low, high = y + GAP - 4, y + 5
        ink = "ink" if full else "faint"
        shafts = (-4.0, 4.0) if boundary == "exits" else (0.0,)
        arrows = [path(f"M{x + dx:g} {high}V{low}", ink, arrow=True) for dx in shafts]
        arrows += [path(f"M{x + 22 + dx:g} {low}V{high}", ink, arrow=True) for dx in shafts]
        return [*arrows, text(x + 38, y + GAP / 2 + 4.5, self._times(form, boundary), size=12,
                              bold=full, ink=ink)]  # fmt: skip
