"""What the debugger's commands work on: a machine, its timeline, what is looked at, and numbers.

Wherever a number is asked for, a sum will do: symbols, registers, CSRs and numbers with + and -.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence

from minihv.asm.operands import REGISTER_NUMBER
from minihv.devices.timeline import Timeline
from minihv.devices.virt import End, Machine
from minihv.errors import MinihvError
from minihv.hw import inspect
from minihv.hw.bits import MASK64
from minihv.hw.hart import Hart
from minihv.tools.terminal import one_line
from minihv.tools.trace import instruction, symbols_of

WHY = {
    "exit": "the guest ended itself, status {}", "reset": "the guest asked for a reset",
    "deadlock": "every hart waits for an event that cannot come (input may help)",
    "input": "every hart waits for input", "start": "the timeline begins here",
    "breakpoint": "breakpoint", "watchpoint": "watchpoint: this instruction is about to do it",
    "interrupted": "interrupted",
}  # fmt: skip


class Complaint(MinihvError):
    """A command that cannot be carried out; one line says why."""


class Session:
    """A machine that has its image loaded, its timeline, and what is looked at."""

    def __init__(self, machine: Machine, show: Callable[[str], None] = print):
        self.machine = machine
        self.timeline = Timeline(machine)
        self._show = show
        self.chosen: int | None = None
        self._line = bytearray()  # what the guest printed of a line so far
        machine.console.sink = self._guest_output
        self.symbols = symbols_of(machine)
        self._sorted = sorted((place, name) for name, place in self.symbols.items())

    @property
    def hart(self) -> Hart:
        """The hart that is looked at: the chosen one, or the one whose turn it is."""
        return self.machine.hart if self.chosen is None else self.machine.harts[self.chosen]

    # --- numbers ------------------------------------------------------------------------------

    def number(self, text: str, what: str = "an address") -> int:
        """Return the value of a sum such as ``main+0x10``, ``sp-8``, ``stval``; 0 .. 2**64 - 1."""
        if not re.fullmatch(r"[+-]?[^+-]+([+-][^+-]+)*", text):
            raise Complaint(f"{text!r} is not {what}")
        total = 0
        for sign, term in re.findall(r"([+-]?)([^+-]+)", text):
            total += -self._term(term, what) if sign == "-" else self._term(term, what)
        return total & MASK64

    def _term(self, term: str, what: str) -> int:
        if term.isdecimal() or re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", term):
            if len(term) <= 20:
                return int(term, 16 if term[:2] in ("0x", "0X") else 10)
        name = term.removeprefix("$")
        if name == "pc":
            return self.hart.pc
        if name in REGISTER_NUMBER:
            return self.hart.x[REGISTER_NUMBER[name]]
        if term in self.symbols:
            return self.symbols[term]
        if name in self.hart.csr:
            return self.hart.csr[name]
        raise Complaint(f"{term!r} is not {what}: no number, register, CSR or symbol of the guest")

    def physical(self, text: str) -> int:
        """Return the guest-physical address of WHERE."""
        if text.startswith("p:"):
            return self.number(text[2:])
        found = inspect.walk(self.hart, self.number(text))
        if found.pa is None:
            raise Complaint(f"{text}: {found.verdict}")
        return found.pa

    def count(self, words: Sequence[str], default: int, most: int = 1 << 62) -> int:
        """Return the number in `words`, or `default` if there is none."""
        if not words:
            return default
        value = self.number(words[0], "a number")
        if not 1 <= value <= most:
            raise Complaint(f"{words[0]} is not a number from 1 to {most}")
        return value

    # --- saying where ---------------------------------------------------------------------------

    def _guest_output(self, data: bytes) -> None:
        self._line += data
        while b"\n" in self._line:
            line, _, self._line = self._line.partition(b"\n")
            self._show("| " + one_line(line.decode("utf-8", "replace").rstrip("\r")))

    def end_line(self) -> None:
        if self._line:
            self._guest_output(b"\n")

    def name(self, place: int) -> str:
        """Return `` <symbol+offset>`` for an address, or nothing."""
        after = bisect_right(self._sorted, (place & MASK64, "\U0010ffff"))
        if not after:
            return ""
        start, name = self._sorted[after - 1]
        offset = (place & MASK64) - start
        if offset > 1 << 20:
            return ""
        return f" <{name}+{offset:#x}>" if offset else f" <{name}>"

    def tell(self, end: End) -> None:
        """Why a run stopped, and where."""
        self.end_line()
        if end.reason in WHY:
            self._show(WHY[end.reason].format(end.exit_status))
        self.where()

    def where(self) -> None:
        """The instant, and the next instruction."""
        hart, harts = self.hart, self.machine.harts
        ticks, traps = self.timeline.position
        of = f", hart {hart.id} of {len(harts)}" if len(harts) > 1 else ""
        state = " (waits)" if hart.waiting else "" if hart.status == "started" else " (stopped)"
        self._show(f"at tick {ticks}, trap {traps}{of}{state}:{self.name(hart.pc)}")
        self._show(f"=> {instruction(hart, self.symbols)}")

    def show(self, text: str) -> None:
        """A line of output."""
        self._show(text)
