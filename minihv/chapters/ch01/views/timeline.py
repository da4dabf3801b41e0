"""TrapTimeline: who runs when, and why it changed."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import traitlets

from minihv.chapters.ch01.views.lanes import ASLEEP, lane_colours, sleeps, spends_after
from minihv.chapters.ch01.views.record import Event, record_traps
from minihv.chapters.ch01.views.timeline_still import timeline_still
from minihv.course.views.view import View, page
from minihv.errors import ConfigError

__all__ = ["Event", "TrapTimeline", "record_traps"]

ORDER = ("host", "M", "S", "vM", "vS", "V", "VS", "vU", "VU", "U")     # most privileged first
KINDS = ("exception", "interrupt", "return", "exit", "vmexit", "vmentry", "inject")


class TrapTimeline(View):
    """The switches of one hart over time, zoomed and panned in the page.

    events: `Event`s (or tuples of the same five values) in the order of the run. `window` is the
    part of time that is shown (two ticks), `selected` the number of the chosen event, -1 for
    none; both may be set from a cell. span: two ticks, if not those of the first and last event;
    after the last one its mode runs on.
    """

    _esm, _css = page(__file__)
    place = "trap_timeline"
    packed = traitlets.Bytes().tag(sync=True)
    lanes: Any = traitlets.List().tag(sync=True)
    asleep: Any = traitlets.List().tag(sync=True)  # numbers of the causes after which nobody runs
    causes: Any = traitlets.List().tag(sync=True)
    count = traitlets.Int().tag(sync=True)
    span: Any = traitlets.List().tag(sync=True)
    window: Any = traitlets.List().tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)

    def __init__(self, events: Iterable[Sequence[Any]], span: Sequence[float] | None = None):
        self.events = [Event(*event) for event in events]
        _check(self.events)
        present = {mode for event in self.events for mode in (event.origin, event.target)}
        self.modes = [mode for mode in ORDER if mode in present]
        names = list(dict.fromkeys(event.cause for event in self.events))
        own = [self.events[0].clock, self.events[-1].clock] if self.events else [0, 1]
        span = [int(tick) for tick in span or own]
        if span[0] > own[0] or span[1] < own[1]:
            raise ConfigError(f"span {span}: the events are from tick {own[0]} to {own[1]}")
        span[1] = max(span[1], span[0] + 1)
        super().__init__(
            packed=_pack(self.events, self.modes, names), causes=names, count=len(self.events),
            span=span, window=list(span))
        resting = {event.cause for event in self.events if sleeps(event)}
        self.asleep = [number for number, cause in enumerate(names) if cause in resting]
        self.shown_lanes = [*self.modes, *([ASLEEP] if resting else [])]
        self.lanes = [{"mode": mode, "name": self.words[mode], **lane_colours(mode)}
                      for mode in self.shown_lanes]

    @property
    def shown(self) -> list[Event]:
        """The events inside `window`."""
        first, last = self.window
        return [event for event in self.events if first <= event.clock <= last]

    def shares(self) -> dict[str, float]:
        """Return each lane's share of the guest's time, 0 to 1.

        The host's work takes none of it, but for the instructions that it executes in the guest's
        place; time in which the guest waits is nobody's ("asleep").
        """
        ticks: Counter[str] = Counter()
        for event, until in self.stretches():
            ticks[spends_after(event)] += until - event.clock
        total = sum(ticks.values()) or 1
        return {mode: ticks[mode] / total for mode in self.shown_lanes}

    def stretches(self) -> Iterator[tuple[Event, int]]:
        """Each event with the tick until which things stay as they are after it."""
        ends = [*(event.clock for event in self.events[1:]), self.span[1]]
        return zip(self.events, ends, strict=False)

    def by_cause(self) -> list[tuple[str, int]]:
        """How often each cause switched, most frequent first."""
        return Counter(event.cause for event in self.events).most_common()

    def text(self) -> str:
        """Return the shares, the causes, and the first events."""
        if not self.events:
            return f"{self.words['title']}: {self.words['empty']}"
        head = self.words["summary"].format(count=f"{self.count:,}", first=f"{self.span[0]:,}",
                                            last=f"{self.span[1]:,}")
        shares = ", ".join(f"{self.words[mode]} {share:.1%}" for mode, share in
                           self.shares().items() if mode != "host" or share)
        lines = [f"{self.words['title']}: {head}", f"{self.words['share']}: {shares}"]
        lines += [f"{times:>8,} × {cause}" for cause, times in self.by_cause()]
        return "\n".join(lines)

    def picture(self) -> str:
        """Lanes by privilege over the whole run, with the causes' counts."""
        return timeline_still(self)


def _check(events: list[Event]) -> None:
    before = None
    for number, event in enumerate(events):
        for mode in (event.origin, event.target):
            if mode not in ORDER:
                raise ConfigError(f"event {number}: no mode {mode!r}; choose of {', '.join(ORDER)}")
        if event.kind not in KINDS:
            raise ConfigError(f"event {number}: no kind {event.kind!r}; "
                              f"choose of {', '.join(KINDS)}")
        if before is not None and event.clock < before:
            raise ConfigError(f"event {number}: clock {event.clock} is before {before}: "
                              "give events in the order of the run")
        before = event.clock


def _pack(events: list[Event], modes: list[str], causes: list[str]) -> bytes:
    """Columns one after the other: clocks as doubles, causes as uint16, then bytes."""
    lane = {mode: k for k, mode in enumerate(modes)}
    number = {cause: k for k, cause in enumerate(causes)}
    return b"".join((
        array("d", [event.clock for event in events]).tobytes(),
        array("H", [number[event.cause] for event in events]).tobytes(),
        bytes(lane[event.origin] for event in events),
        bytes(lane[event.target] for event in events),
        bytes(KINDS.index(event.kind) for event in events)))
