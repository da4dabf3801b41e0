"""The PLIC: device interrupts on their way to the harts (RISC-V PLIC specification 1.0.0).

    source line -> gateway -> pending bit -> (enabled? priority > threshold?) -> context line

A context is one privilege mode of one hart: hart h in M-mode is 2h, in S-mode 2h + 1.

    0x000000 + 4*source           priority, 0 = never        (source 0 does not exist)
    0x001000 + 4*word             pending bits, read-only
    0x002000 + 0x80*context + ..  enable bits
    0x200000 + 0x1000*context     threshold;  + 4: claim (read), complete (write)

Gateways are level-triggered. A high line becomes a pending bit; claiming clears that bit and
closes the gateway; completion opens it again, and a line that is still high is pending at once.
A pending bit survives a line that drops before anyone claims it (section "Interrupt Gateways").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from minihv.devices.board import PHANDLE_PLIC, Board, Line, Part
from minihv.devices.fdt import Node
from minihv.hw.bus import AccessFault, Device
from minihv.hw.causes import MEI, SEI

PRIORITY, PENDING, ENABLE, CONTEXT = 0x0, 0x1000, 0x2000, 0x200000
ENABLE_STRIDE, CONTEXT_STRIDE = 0x80, 0x1000
MAX_PRIORITY = 7
SOURCES = 96  # with source 0, which does not exist


@dataclass
class PlicState:
    """Every register, the input lines and the gateways; bit sets are ints, bit n = source n."""

    priority: list[int]
    enable: list[int]  # per context
    threshold: list[int]  # per context
    pending: int = 0
    lines: int = 0
    claimed: int = 0  # closed gateways
    driven: list[bool] = field(default_factory=list)  # level last given to each context


class Plic(Device):
    """`contexts[c](level)` drives the external-interrupt line of context c."""

    _state: PlicState

    def __init__(self, contexts: Sequence[Line], sources: int = SOURCES):
        self._contexts = contexts
        self._sources = sources
        self._valid = (1 << sources) - 2  # every source but 0
        n = len(contexts)
        self._state = PlicState([0] * sources, [0] * n, [0] * n, driven=[False] * n)

    # --- the devices' side ---------------------------------------------------------------

    def line(self, source: int) -> Line:
        """Return the line of the device on `source` (1 .. sources - 1)."""
        if not 0 < source < self._sources:
            raise ValueError(f"interrupt source {source} is not in 1..{self._sources - 1}")
        return lambda level: self.set_line(source, level)

    def set_line(self, source: int, level: bool) -> None:
        """Drive a device's line high or low; nothing happens while it stays the same."""
        s, bit = self._state, 1 << source
        if level == bool(s.lines & bit):
            return
        s.lines ^= bit
        if level:
            self._sample()
            self._update()

    # --- bus -----------------------------------------------------------------------------

    def read(self, offset: int, size: int) -> int:
        """Return one 32-bit register, 0 if there is none. Any other size is an access fault."""
        _check_access(offset, size)
        s = self._state
        if offset < PENDING:
            source = offset // 4
            return s.priority[source] if source < self._sources else 0
        if offset < ENABLE:
            return s.pending >> 8 * (offset - PENDING) & 0xFFFFFFFF
        if offset < CONTEXT:
            context, position = divmod(offset - ENABLE, ENABLE_STRIDE)
            return s.enable[context] >> 8 * position & 0xFFFFFFFF if self._has(context) else 0
        context, register = divmod(offset - CONTEXT, CONTEXT_STRIDE)
        if not self._has(context) or register > 4:
            return 0
        return self._claim(context) if register == 4 else s.threshold[context]

    def write(self, offset: int, size: int, value: int) -> None:
        """Write one 32-bit register; WARL fields keep the bits that exist."""
        _check_access(offset, size)
        if offset < PENDING:
            if 0 < offset // 4 < self._sources:
                self._state.priority[offset // 4] = value & MAX_PRIORITY
        elif ENABLE <= offset < CONTEXT:
            self._write_enable(*divmod(offset - ENABLE, ENABLE_STRIDE), value)
        elif offset >= CONTEXT:
            self._write_context(*divmod(offset - CONTEXT, CONTEXT_STRIDE), value)
        self._update()

    def settle(self) -> None:
        """Drive every context's line to the level it had."""
        for drive, level in zip(self._contexts, self._state.driven, strict=True):
            drive(level)

    # --- registers -----------------------------------------------------------------------

    def _has(self, context: int) -> bool:
        return context < len(self._contexts)

    def _write_enable(self, context: int, position: int, value: int) -> None:
        if self._has(context):
            word = 0xFFFFFFFF << 8 * position
            enable = self._state.enable[context] & ~word | value << 8 * position
            self._state.enable[context] = enable & self._valid

    def _write_context(self, context: int, register: int, value: int) -> None:
        if not self._has(context):
            return
        if register == 0:
            self._state.threshold[context] = value & MAX_PRIORITY
        elif register == 4:
            self._complete(context, value)

    def _claim(self, context: int) -> int:
        """Take the best pending source, 0 if none. The threshold does not matter (section 9)."""
        s = self._state
        source = self._best(s.pending & s.enable[context])
        if source:
            s.pending &= ~(1 << source)
            s.claimed |= 1 << source
            self._update()
        return source

    def _complete(self, context: int, source: int) -> None:
        """Reopen a gateway; ignored unless this context has the source enabled (section 10)."""
        s = self._state
        if source < self._sources and s.enable[context] >> source & 1:
            s.claimed &= ~(1 << source)
            self._sample()

    def _sample(self) -> None:
        s = self._state
        s.pending |= s.lines & ~s.claimed & self._valid

    def _best(self, candidates: int) -> int:
        """Return the candidate of highest priority, the lowest id among equals; 0 for none."""
        best, rank = 0, 0
        while candidates:
            source = (candidates & -candidates).bit_length() - 1
            candidates &= candidates - 1
            if self._state.priority[source] > rank:
                best, rank = source, self._state.priority[source]
        return best

    def _update(self) -> None:
        s = self._state
        for context, drive in enumerate(self._contexts):
            best = self._best(s.pending & s.enable[context])
            level = bool(best) and s.priority[best] > s.threshold[context]
            if level != s.driven[context]:
                s.driven[context] = level
                drive(level)


def _check_access(offset: int, size: int) -> None:
    if size != 4 or offset & 3:
        raise AccessFault(f"PLIC registers are 32 bits wide: {size} bytes at {offset:#x}")


def _make(board: Board) -> Plic:
    """Make the PLIC of a board; the lines of all parts lead here."""
    plic = Plic([
        lambda level, hart=hart, bit=bit: hart.set_pending(bit, level)  # type: ignore[misc]
        for hart in board.harts for bit in PART.drives
    ])  # fmt: skip
    board.line = plic.line
    return plic


PART = Part(
    "plic", 0xC000000, 0x600000, _make, drives=(MEI, SEI),
    node=Node("plic", {
        "compatible": ["sifive,plic-1.0.0", "riscv,plic0"], "phandle": PHANDLE_PLIC,
        "riscv,ndev": SOURCES - 1, "interrupt-controller": None,
        "#address-cells": 0, "#interrupt-cells": 1,
    }),
)  # fmt: skip
