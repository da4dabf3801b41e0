"""Time travel: go to any instant of a machine's run, also back.

A run is a function of its start and its input. So an instant is reached by going back to the
last snapshot before it and running on from there, with the logged input given again:

    snapshots   0         1         2         3
    run         |---------|---------|---------|------> end (the farthest instant so far)
    goto(x)               |->x

State at an instant is the same, bit for bit, however it was reached; what the TLB holds is not
part of it, input that came at that instant is. What runs a second time is silent: the console's
sink and `on_trap` hear of each event once, and no live input is asked for before the end.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from minihv.devices.console import ConsoleState
from minihv.devices.history import PageHistory
from minihv.devices.virt import End, Instant, Machine
from minihv.errors import ConfigError
from minihv.hw.registers import NEVER

STOPS = ("breakpoint", "watchpoint")
STATE_BYTES = 8192  # what a snapshot costs beside its pages, about


@dataclass(frozen=True)
class Snapshot:
    """All but RAM at an instant; `written` is how many bytes the console had put out by then."""

    instant: Instant
    executed: int
    written: int
    saved: dict[str, Any]


class Timeline:
    """The history of `machine` from now on; run the machine through it.

    A snapshot is kept every `every` instructions. When all of them take more than `limit`
    bytes, every second one is forgotten and `every` doubles. Input goes in by `machine.feed`; a
    change of memory or registers by hand is not part of the history. Instants are
    `virt.Instant`; a plain number of ticks means the first instant with that many.
    """

    def __init__(self, machine: Machine, every: int = 100_000, limit: int = 1 << 30):
        if every < 1:
            raise ConfigError(f"a snapshot every {every} instructions: give 1 or more")
        self.machine = machine
        self.every = every
        self.cancelled = False  # set (by a signal handler) to end what goes on as "interrupted"
        self._limit = limit
        self._history = PageHistory(machine.memory)
        self._snapshots: list[Snapshot] = []
        self._output = b""  # the console's longest output; the others are its beginnings
        self._log = machine.input_log
        self._end = machine.instant
        self._take()

    # --- where -------------------------------------------------------------------------------

    @property
    def position(self) -> Instant:
        """The instant that the machine is at."""
        return self.machine.instant

    @property
    def start(self) -> Instant:
        """The first instant."""
        return self._snapshots[0].instant

    @property
    def end(self) -> Instant:
        """The last instant that was reached so far."""
        self._notice()
        return self._end

    @property
    def snapshots(self) -> list[Instant]:
        """The instants that are kept."""
        self._notice()
        return [snapshot.instant for snapshot in self._snapshots]

    # --- forward -----------------------------------------------------------------------------

    def run(self, max_instructions: int | None = None) -> End:
        """Run on from here, as Machine.run does; a stop right here is passed over."""
        machine = self.machine
        self._notice()
        machine.pass_stop()
        goal = NEVER if max_instructions is None else machine.executed + max_instructions
        end = self._forward(None, goal)
        if end.reason in STOPS:
            # Stopping has left traces: the page walker marks what it looks up (A and D bits).
            self._seek(machine.instant, afresh=True)
        return end

    def step(self, n: int = 1) -> End:
        """Execute `n` instructions, a trap counts as one; stops are passed over."""
        self._notice()
        end = End("budget")
        with self.machine.stops.suspended():
            for _ in range(n):
                if self._cancel():
                    return End("interrupted")
                with self._quiet() if self.machine.instant < self._end else nullcontext():
                    end = self.machine.step()
                self._end = max(self._end, self.machine.instant)
                self._keep()
                if end.reason not in ("budget", "trap"):
                    break
        return end

    def goto(self, instant: Instant | int) -> End:
        """Go to an instant, back or forth; return how the run ended if it never gets there.

        The reason is "budget" if it does. ConfigError for an instant before the start.
        """
        target = instant if isinstance(instant, Instant) else Instant(instant)
        if target.ticks < self.start.ticks:
            raise ConfigError(f"the timeline begins at tick {self.start.ticks}, not {target.ticks}")
        self._notice()
        return self._seek(max(target, self.start))

    # --- back --------------------------------------------------------------------------------

    def reverse_step(self, n: int = 1) -> End:
        """Go back by `n` steps; the reason is "start" if the timeline begins within them."""
        self._notice()
        for _ in range(n):
            if self._cancel():
                return End("interrupted")
            if self.machine.instant <= self.start:
                return End("start")
            self._seek(self._previous())
        return End("budget")

    def run_back(self) -> End:
        """Go back to the last stop before here; the reason is "start" if there is none."""
        self._notice()
        limit = self.machine.instant
        for number in reversed(range(self._number_before(limit))):
            if self._cancel():
                return End("interrupted")
            self._restore(number)
            hit = self._last_stop(limit)
            if hit:
                instant, reason = hit
                self._seek(instant, afresh=True)
                return End(reason)
            limit = self._snapshots[number].instant
        self._seek(self.start)
        return End("start")

    def _previous(self) -> Instant:
        """Return the instant from which a step leads here."""
        machine = self.machine
        here, executed = machine.instant, machine.executed - 1
        self._restore(self._number_before(here) - 1)
        with machine.stops.suspended(), self._quiet():
            if machine.executed < executed:
                machine.run(executed - machine.executed)
            while True:
                before = machine.instant
                machine.step()
                if not before < machine.instant < here:
                    return before

    def _last_stop(self, limit: Instant) -> tuple[Instant, str] | None:
        """Run on to `limit`; return the last stop met before it, with its reason."""
        machine, found = self.machine, None
        with self._quiet():
            while machine.instant < limit:
                before = machine.instant
                if before.ticks < limit.ticks:
                    end = machine.run(until=limit.ticks)
                else:
                    end = machine.run(1, at_traps=True)  # only traps lie between here and there
                if end.reason in STOPS and machine.instant < limit:
                    found = machine.instant, end.reason
                elif machine.instant == before:
                    break
        return found

    # --- snapshots ---------------------------------------------------------------------------

    def _number_before(self, instant: Instant, inclusive: bool = False) -> int:
        """Return how many snapshots are before `instant`; inclusive: or at it."""
        find = bisect_right if inclusive else bisect_left
        return find(self._snapshots, instant, key=lambda snapshot: snapshot.instant)

    def _cancel(self) -> bool:
        cancelled, self.cancelled = self.cancelled, False
        return cancelled

    def _notice(self) -> None:
        """Take into account what was done to the machine without us."""
        machine = self.machine
        if machine.input_log is not self._log:  # new input in the past: another history
            self._log = machine.input_log
            self._forget_after(self._log[-1][0] if self._log else self.start)
        self._end = max(self._end, machine.instant)

    def _forget_after(self, instant: Instant) -> None:
        number = max(self._number_before(instant, True), 1)
        if number < len(self._snapshots):
            self._history.forget_from(number)
            del self._snapshots[number:]
        self._end = instant
        self._output = self.machine.console.output

    def _take(self) -> None:
        machine = self.machine
        saved = machine.save()
        console: ConsoleState = saved["console"]
        if len(console.output) > len(self._output):
            self._output = console.output
        saved["console"] = ConsoleState(b"", console.queued)
        instant = machine.instant
        self._history.take(instant)
        written = len(console.output)
        self._snapshots.append(Snapshot(instant, machine.executed, written, saved))
        if self._history.bytes + STATE_BYTES * len(self._snapshots) > self._limit:
            self._thin()

    def _thin(self) -> None:
        count = len(self._snapshots)
        keep = sorted({*range(0, count, 2), count - 1})
        self._history.thin(keep)
        self._snapshots = [self._snapshots[number] for number in keep]
        self.every *= 2

    def _restore(self, number: int) -> None:
        snapshot = self._snapshots[number]
        self._output = max(self._output, self.machine.console.output, key=len)
        output = self._output[: snapshot.written]
        console = ConsoleState(output, snapshot.saved["console"].queued)
        self._history.restore(number)
        self.machine.restore({**snapshot.saved, "console": console})

    def _keep(self) -> None:
        """Take a snapshot if one is due here, or notice that the machine is at one."""
        here, last = self.machine.instant, self._snapshots[-1]
        if here > last.instant:
            if self.machine.executed >= last.executed + self.every:
                self._take()
        else:
            number = self._number_before(here)
            if self._snapshots[number].instant == here:
                self._history.rest_at(number)

    # --- moving ------------------------------------------------------------------------------

    def _seek(self, target: Instant, afresh: bool = False) -> End:
        """Go to `target`; `afresh` even if the machine is there."""
        number = max(self._number_before(target, True) - 1, 0)
        here = self.machine.instant
        if afresh or not self._snapshots[number].instant <= here <= target:
            self._restore(number)
        with self.machine.stops.suspended():
            return self._forward(target, NEVER)

    def _forward(self, target: Instant | None, goal: int) -> End:
        """Run on to `target`, or until `goal` ticks are executed, or something stops the run."""
        machine = self.machine
        self._keep()
        while machine.executed < goal and (target is None or machine.instant < target):
            if self._cancel():
                return End("interrupted")
            past = machine.instant < self._end
            with self._quiet() if past else nullcontext():
                end = self._leg(target, goal)
            self._end = max(self._end, machine.instant)
            silenced = past and end.reason == "input" and machine.instant == self._end
            if end.reason != "budget" and not silenced:
                return end
            self._keep()
        return End("budget")

    def _leg(self, target: Instant | None, goal: int) -> End:
        """Run up to whatever comes next: `target`, `goal`, a snapshot, the end of the past."""
        machine = self.machine
        here, last = machine.instant, self._snapshots[-1]
        ahead = [self._end] if here < self._end else []
        if target is not None:
            ahead.append(target)
        if here < last.instant:
            ahead.append(self._snapshots[self._number_before(here, True)].instant)
        else:
            goal = min(goal, last.executed + self.every)
        until = min(ahead, default=Instant(NEVER))
        if here.ticks < until.ticks:
            return machine.run(goal - machine.executed, until.ticks)
        end = machine.run(1, at_traps=True)  # only traps lie between here and there
        return End("budget") if end.reason == "trap" else end

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """What runs in this context runs a second time: nobody is told, and nobody asked."""
        machine = self.machine
        sink, on_trap, poll = machine.console.sink, machine.on_trap, machine.poll
        machine.console.sink, machine.on_trap = None, None
        machine.poll = None if poll is None else bytes
        try:
            yield
        finally:
            machine.console.sink, machine.on_trap, machine.poll = sink, on_trap, poll
