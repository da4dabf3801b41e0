"""MachineView: a machine to step, run, wind back and look into."""

from __future__ import annotations

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
        return [gva & MASK64 for gva in self.machine.stops.breakpoints]

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
        before = values(self.hart)
        end = self.timeline.run(most)
        self._show(self._why(end) or self._words("paused", count=f"{most:,}"), before)

    def run_to(self, place: str | int, most: int = PATIENCE) -> None:
        """Run until pc is at `place`, a symbol or an address; other breakpoints hold too."""
        address = self.address(place)
        before, stops = values(self.hart), self.machine.stops
        passing = address not in self.breakpoints
        if passing:
            stops.add_breakpoint(address)
        try:
            end = self.timeline.run(most)
        finally:
            if passing:
                stops.remove_breakpoint(address)
        said = self._why(end)
        if self.hart.pc & MASK64 == address:
            said = self._words("reached", place=self._name(address))
        self._show(said or self._words("paused", count=f"{most:,}"), before)

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
            "step": self.step, "back": self.back, "run": self.run, "goto": self.goto,
            "run_to": self.run_to, "breakpoint": self.toggle_breakpoint, "hart": self._choose}
        argument = command.get("with")
        try:
            verbs[command["do"]](*([] if argument is None else [argument]))
        except MinihvError as error:
            self._show(str(error), None, wrong=True)

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

    def _show(self, said: str, before: dict[str, int] | None, wrong: bool = False) -> None:
        """Bring the page up to date; `before` None keeps the marks of what changed last."""
        if before is not None:
            self._before = before
        self._turn += 1
        first, far = self.timeline.start.ticks, self.timeline.end.ticks
        shown = machine_state(self.machine, self.hart, self._before, self.symbols,
                              self.breakpoints)
        self.state = shown | {"turn": self._turn, "said": said, "wrong": wrong,
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
