"""What a step did, in lines of text: for `minihv run --trace` and the debugger."""

from __future__ import annotations

from collections.abc import Mapping

from minihv.asm.disassembler import disassemble_range
from minihv.asm.operands import REGISTERS
from minihv.devices.virt import End, Machine
from minihv.hw import inspect
from minihv.hw import state as st
from minihv.hw.bits import MASK64
from minihv.hw.causes import ECALL_S, cause_name
from minihv.hw.hart import Hart

MODES = "US?M"


def symbols_of(machine: Machine) -> dict[str, int]:
    """Return the image's symbols (unsigned addresses) without those that mark code and data."""
    symbols = machine.image.symbols if machine.image else {}
    return {name: place & MASK64 for name, place in symbols.items() if not name.startswith("$")}


def instruction(hart: Hart, symbols: Mapping[str, int] | None = None) -> str:
    """Return the hart's next instruction: mode, address, word and text."""
    pc = hart.pc & MASK64
    place = f"{MODES[hart.priv]} {pc:#018x}"
    code = inspect.read_virtual(hart, pc, 4, "fetch") or inspect.read_virtual(hart, pc, 2, "fetch")
    if code is None:
        return f"{place}           (cannot be fetched: {inspect.walk(hart, pc, 'fetch').verdict})"
    line = next(disassemble_range(code, pc, symbols))
    return f"{place}  {line.word:0{2 * line.size}x}{'':{10 - 2 * line.size}}{line.text}"


class Tracer:
    """Steps a machine and says what each step did. Made before the step."""

    def __init__(self, machine: Machine, symbols: Mapping[str, int] | None = None):
        self._machine, self._symbols = machine, symbols
        self._before = [self._look(hart) for hart in machine.harts]
        self._calls = machine.calls.copy()

    def _look(self, hart: Hart) -> tuple[int, int, list[int], str]:
        """Return instructions and traps so far, registers with pc, and the next instruction."""
        text = instruction(hart, self._symbols)
        registers = [*hart.s[: len(REGISTERS)], hart.pc]
        return hart.instructions, hart.s[st.TRAPS], registers, text

    def lines(self, end: End) -> list[str]:
        """Return what happened since: a line for each hart that did something."""
        told = []
        for hart, (instructions, traps, registers, text) in zip(
            self._machine.harts, self._before, strict=True
        ):
            now = [*hart.s[: len(REGISTERS)], hart.pc]
            if hart.s[st.TRAPS] != traps:
                did = f"-> {_trap(hart)}"
            elif hart.instructions == instructions and now == registers:
                continue
            else:
                did = "  ".join(self._changes(registers, now))
            if hart.instructions == instructions and end.reason == "trap":
                did += self._call(hart, traps)
            name = f"{hart.id} " if len(self._machine.harts) > 1 else ""
            told.append(f"{name}{text:<72} {did}".rstrip())
        return told

    def _changes(self, before: list[int], now: list[int]) -> list[str]:
        return [
            f"{name}={new & MASK64:#x}"
            for name, old, new in zip(REGISTERS, before, now, strict=False)
            if old != new
        ]

    def _call(self, hart: Hart, traps: int) -> str:
        called = self._machine.calls - self._calls
        if hart.s[st.CAUSE] != ECALL_S or not called:
            return ""
        return f"  (SBI {', '.join(called)})"


def _trap(hart: Hart) -> str:
    """Return the trap that the hart has just taken."""
    csr = "scause" if hart.priv == 1 else "mcause"
    tval = hart.csr["stval" if hart.priv == 1 else "mtval"]
    mode, cause = MODES[hart.priv], cause_name(hart.csr[csr])
    return f"{cause} (tval {tval:#x}), handled in {mode}-mode at {hart.pc & MASK64:#x}"
