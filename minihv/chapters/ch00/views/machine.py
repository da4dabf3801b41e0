"""MachineView: a machine to step, run, wind back and look into."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import traitlets

from minihv.chapters.ch00.views.snapshot import Symbols, machine_state, values
from minihv.course.views.view import View, page
from minihv.devices.timeline import Timeline
from minihv.devices.virt import End, Instant, Machine
from minihv.errors import ConfigError, MinihvError
from minihv.hw import state as st
from minihv.hw.bits import MASK64
from minihv.hw.causes import cause_name

PATIENCE = 100_000_000      # instructions that one Run executes at most
SLICE = 0.1                 # seconds of a run between two pictures, about
PORTION = 20_000            # instructions between two looks at the clock


class MachineView(View):
    """Shows a Machine (or a Timeline of one) at an instant, and moves it in time.

    `machine` has its guest loaded. What a learner does in the page can be done from a cell:
    `step`, `back`, `run`, `run_to`, `goto`, `toggle_breakpoint`. Positions count instructions.
    """

    _esm, _css = page(__file__)
    place = "machine_view"
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, machine: Machine | Timeline, hart: int = 0,
                 symbols: dict[str, int] | None = None):
        super().__init__()
        self.timeline = machine if isinstance(machine, Timeline) else Timeline(machine)
        self.machine: Machine = self.timeline.machine
        image = self.machine.image
        self.symbols = Symbols(symbols or (image.symbols if image else {}))
        self._hart, self._turn = hart, 0
        self._most = self._left = 0  # instructions of the run under way: at most, and still
        self._since: dict[str, int] = {}  # the values when it began
        self._target: int | None = None  # where it is to stop
        self._lent = False  # whether the breakpoint there is the run's own
        self._show(self.words["start"], {})

    @property
    def hart(self) -> Any:
        """The hart that is shown."""
        return self.machine.harts[self._hart]

    @property
    def position(self) -> Instant:
        """Where in time the machine is: its ticks, and the traps taken by then."""
        return self.timeline.position

    @property
    def breakpoints(self) -> list[int]:
        """The addresses (virtual) at which a run stops."""
        found = [gva & MASK64 for gva in self.machine.stops.breakpoints]
        return [gva for gva in found if not (self._lent and gva == self._target)]

    # --- moving in time -------------------------------------------------------------------

    def step(self, n: int = 1) -> None:
        """Execute `n` instructions; a trap counts as one."""
        before, traps = values(self.hart), self.hart.s[st.TRAPS]
        end = self.timeline.step(n)
        said = self.words["stepped"] if n == 1 else self._words("moved", now=self._count())
        if self.hart.s[st.TRAPS] != traps:
            name = "mcause" if self.hart.priv == 3 else "scause"
            said = self._words("trapped", cause=cause_name(self.hart.csr[name]))
        self._show(self._why(end) or said, before)

    def back(self, n: int = 1) -> None:
        """Return to where the machine stood `n` instructions ago."""
        before = values(self.hart)
        end = self.timeline.reverse_step(n)
        self._show(self.words["at_start" if end.reason == "start" else "stepped_back"], before)

    def run(self, most: int = PATIENCE) -> None:
        """Run to a breakpoint or the guest's end, `most` instructions at most."""
        self._set_off(None, most)
        self._run_on()

    def run_to(self, place: str | int, most: int = PATIENCE) -> None:
        """Run until pc is at `place`, a symbol or an address; other breakpoints hold too."""
        self._set_off(place, most)
        self._run_on()

    def _run_on(self) -> None:
        """Run slice after slice until something stops the run; the picture follows."""
        try:
            while self._left:
                self._slice(by_page=False)
        finally:
            self._halt()

    def _set_off(self, place: str | int | None, most: int = PATIENCE) -> None:
        """Begin a run: what goes on is `_slice`, what ends it `_halt`."""
        target = None if place is None else self.address(place)
        self._since, self._most = values(self.hart), most
        self._left, self._target = most, target
        if target is not None and target not in self.breakpoints:
            self.machine.stops.add_breakpoint(target)
            self._lent = True

    def _halt(self) -> None:
        """End the run under way, if there is one, and take its breakpoint back."""
        if self._lent and self._target is not None:
            self.machine.stops.remove_breakpoint(self._target)
        self._left, self._target, self._lent = 0, None, False

    def _slice(self, by_page: bool = True) -> None:
        """Run on for a moment and show it; `by_page`: the page asks for the next one."""
        until, reason = time.monotonic() + SLICE, ""
        while self._left and not reason and time.monotonic() < until:
            reason = self._portion()
        if not reason and self._left:
            self._show(self.words["running"], self._since, running=by_page)
            return
        here = self.hart.pc & MASK64
        if reason and here == self._target:
            reason = self._words("reached", place=self._name(here))
        self._halt()
        self._show(reason or self._words("paused", count=f"{self._most:,}"), self._since)

    def _portion(self) -> str:
        """Execute a few instructions of the run under way; why it stops there, "" if not."""
        stops, executed = self.machine.stops, self.machine.executed
        # A run passes over a stop where it begins. So one that goes on from a breakpoint must not
        # begin there; whether a watched access comes next, nobody knows: no portions then.
        end = self.timeline.run(self._left if stops.watches or stops.csrs
                                else min(self._left, PORTION))
        self._left -= min(self._left, self.machine.executed - executed)
        if end.reason == "budget" and self._left:
            at = self.machine.hart.pc & MASK64
            if at in (*self.breakpoints, self._target):
                end = End("breakpoint")
        return self._why(end) or ("" if end.reason == "budget" else self.words["stopped"])

    def goto(self, position: Instant | int) -> None:
        """Move to an instant (or the first of that many ticks), back or forth."""
        before = values(self.hart)
        self.timeline.goto(position)
        self._show(self._words("moved", now=self._count()), before)

    # --- breakpoints ----------------------------------------------------------------------

    def toggle_breakpoint(self, place: str | int) -> None:
        """Set a breakpoint at a symbol or address, or remove the one that is there."""
        address = self.address(place)
        if address in self.breakpoints:
            self.machine.stops.remove_breakpoint(address)
            said = "removed"
        else:
            self.machine.stops.add_breakpoint(address)
            said = "added"
        self._show(self._words(said, place=self._name(address)), None)

    def address(self, place: str | int) -> int:
        """Return the address that a symbol, 0x-number or integer names; ConfigError if none."""
        if isinstance(place, int):
            return place & MASK64
        known = self.symbols.by_name.get(place.strip())
        if known is not None:
            return known
        try:
            return int(place.strip(), 16 if place.strip().lower().startswith("0x") else 10) & MASK64
        except ValueError:
            raise ConfigError(self._words("no_such_place", place=place.strip())) from None

    # --- what is shown --------------------------------------------------------------------

    def obey(self, command: dict[str, Any]) -> None:
        """Do what a button or key in the page asks for; say what was wrong with it."""
        verbs: dict[str, Callable[..., None]] = {
            "step": self.step, "back": self.back, "goto": self.goto, "hart": self._choose,
            "breakpoint": self.toggle_breakpoint, "pause": self._pause,
            "run": self._run_by_page, "run_to": self._run_by_page}
        verb, argument = command["do"], command.get("with")
        if verb == "on":
            if not self._left:
                self._show(self.state["said"], None)  # paused meanwhile; the page waits for a word
            elif argument == self._turn:  # else a newer picture is on its way
                self._slice()
            return
        if verb != "pause":
            self._halt()
        try:
            verbs[verb](*([] if argument is None else [argument]))
        except MinihvError as error:
            self._show(str(error), None, wrong=True)

    def _run_by_page(self, place: str | None = None) -> None:
        self._set_off(place)
        self._slice()

    def _pause(self) -> None:
        """End the page's run where it is."""
        taken = self._most - self._left if self._left else 0
        self._halt()
        self._show(self._words("paused", count=f"{taken:,}") if taken else "", self._before)

    def _choose(self, number: int) -> None:
        self._hart = int(number)
        self._show("", {})

    def _words(self, key: str, **fields: Any) -> str:
        return str(self.words[key]).format(**fields)

    def _name(self, address: int) -> str:
        return self.symbols.near(address) or f"{address:#x}"

    def _count(self) -> str:
        return f"{self.position.ticks:,}"

    def _why(self, end: End | None) -> str:
        """Why a run stopped, "" if it only used up its budget."""
        reason = end.reason if end else "budget"
        if reason in ("exit", "reset") and end:
            return self._words("ended", status=end.exit_status)
        key = {"breakpoint": "breakpoint_hit", "watchpoint": "watchpoint_hit",
               "deadlock": "waits", "input": "wants_input"}.get(reason)
        return self._words(key, place=self._name(self.hart.pc & MASK64)) if key else ""

    def _show(self, said: str, before: dict[str, int] | None, wrong: bool = False,
              running: bool = False) -> None:
        """Bring the page up to date; `before` None keeps the marks of what changed last."""
        if before is not None:
            self._before = before
        self._turn += 1
        first, far = self.timeline.start.ticks, self.timeline.end.ticks
        shown = machine_state(self.machine, self.hart, self._before, self.symbols,
                              self.breakpoints)
        self.state = shown | {"turn": self._turn, "said": said, "wrong": wrong,
                              "running": running,
                              "first": first, "now": self.position.ticks, "far": far}

    # --- the still picture ----------------------------------------------------------------

    def text(self) -> str:
        """Position, pc, code, registers and console in words."""
        s = self.state
        where = self._words("where", now=f"{s['now']:,}", far=f"{s['far']:,}")
        lines = [f"{self.words['title']}: {where}. {self.words[s['priv']]}, pc {s['pc']}"
                 + (f" <{s['symbol']}>" if s["symbol"] else "")]
        for row in s["code"]:
            lines += [f"{row['label']}:"] if row["label"] else []
            lines.append(f"{'=>' if row['here'] else '  '} {row['pc']}  {row['text']}")
        pairs = [f"{row['name']:>4} {row['value']}{'*' if row['was'] else ' '}"
                 for row in s["registers"]]
        lines += ["  ".join(pairs[k : k + 4]) for k in range(0, 32, 4)]
        return "\n".join([*lines, self.words["console"] + ":",
                          s["console"] or self.words["console_empty"]])

    def picture(self) -> str:
        """Return the same as a picture: code, registers, CSRs, console."""
        from minihv.chapters.ch00.views.machine_still import machine_still

        return machine_still(self.state, dict(self.words))
