"""Modes as lanes of a timeline: their colours, and which of them runs on after an event."""

from __future__ import annotations

from minihv.chapters.ch01.views.record import Event
from minihv.course.views.draw import colours

# Modes that a deprivileged guest believes in: the fill is theirs, the outline the real U-mode's.
BELIEVED = {"vM": "VS", "vS": "VS", "vU": "VU"}


def lane_colours(mode: str) -> dict[str, str]:
    """Fill and ink of a mode's lane, and its outline where the hart runs another mode."""
    outline = {"line": colours("U")["fill"]} if mode in BELIEVED else {}
    return colours(BELIEVED.get(mode, "VS" if mode == "V" else mode)) | outline


def runs_after(event: Event) -> str:
    """Return the mode that runs on after an event: an exit to the host comes back at once."""
    return event.origin if event.kind == "exit" else event.target
