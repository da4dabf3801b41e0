"""Modes as lanes of a timeline: their colours, and which of them runs on after an event."""

from __future__ import annotations

from minihv.chapters.ch01.views.record import Event
from minihv.course.views.draw import colours

# Modes that a deprivileged guest believes in: the fill is theirs, the outline the real U-mode's.
BELIEVED = {"vM": "VS", "vS": "VS", "vU": "VU"}
ASLEEP = "asleep"  # the guest waits for an interrupt, and nobody runs
WORLDS = BELIEVED | {"V": "VS", ASLEEP: "hardware"}  # the palette's name of a lane, if not its own


def lane_colours(mode: str) -> dict[str, str]:
    """Name, fill and ink of a mode's lane, and its outline where the hart runs another mode."""
    world = WORLDS.get(mode, mode)
    outline = {"line": colours("U")["fill"]} if mode in BELIEVED else {}
    return {"paint": world} | colours(world) | outline


def sleeps(event: Event) -> bool:
    """Return True if the guest sleeps after an event: it has left the hart to wait."""
    return event.kind == "vmexit" and event.cause.startswith("wait")


def runs_after(event: Event) -> str:
    """Return the mode that runs on after an event: an exit to the host comes back at once."""
    return event.origin if event.kind == "exit" else event.target


def spends_after(event: Event) -> str:
    """Return whose the time after an event is: that of the mode that runs on, or nobody's."""
    return ASLEEP if sleeps(event) else runs_after(event)
