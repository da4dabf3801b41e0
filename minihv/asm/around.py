"""The code around a hart's pc, as instructions; nothing here changes the hart."""

from __future__ import annotations

from collections.abc import Mapping

from minihv.asm.disassembler import Line, disassemble_range
from minihv.hw.bits import MASK64
from minihv.hw.hart import Hart
from minihv.hw.inspect import read_virtual
from minihv.hw.isa import length
from minihv.hw.memory import PAGE


def code_around(
    hart: Hart, before: int = 4, after: int = 8, symbols: Mapping[str, int] | None = None
) -> list[Line]:
    """Return the instruction at pc, up to `before` ones above it and `after` below, as far as code
    can be fetched. What is above is a guess: instructions have two lengths."""
    pc = hart.pc & MASK64
    above = _lead_in(hart, pc, before)
    data = above + fetchable(hart, pc, 4 * (after + 1))
    lines = [*disassemble_range(data, pc - len(above), symbols)]
    here = next((k for k, line in enumerate(lines) if line.pc >= pc), len(lines))
    return lines[max(here - before, 0) : here + after + 1]


def fetchable(hart: Hart, va: int, n: int) -> bytes:
    """Return up to `n` bytes of code at `va`: what can be fetched of it, page by page."""
    data = b""
    while len(data) < n:
        at = va + len(data)
        piece = read_virtual(hart, at, min(n - len(data), PAGE - at % PAGE), "fetch")
        if piece is None:
            break
        data += piece
    return data


def _lead_in(hart: Hart, pc: int, instructions: int) -> bytes:
    """Return the longest piece before `pc` from whose start on decoding arrives at `pc`."""
    for distance in range(4 * instructions, 0, -2):
        data = read_virtual(hart, pc - distance, distance, "fetch")
        if data is None:
            continue
        at = 0
        while at < distance:
            at += length(int.from_bytes(data[at : at + 2], "little"))
        if at == distance:
            return data
    return b""
