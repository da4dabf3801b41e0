"""What a run asks of a TLB: the trace of its loads and stores.

The machine's own TLB is a part of how fast it simulates; it is far larger than a real core's and
no counter watches it, because a counter would cost every access time. So a trace is taken by
stepping the plain engine; a model TLB of any size can play it, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from minihv.asm.operands import expand, extract_all
from minihv.chapters.ch01 import pages
from minihv.devices.virt import Machine
from minihv.hw import isa
from minihv.hw import state as st
from minihv.hw.bits import MASK64
from minihv.hw.bus import AccessFault
from minihv.hw.hart import Hart
from minihv.hw.memory import Memory

LOADS, STORES = 0x03, 0x23  # major opcodes


class Access(NamedTuple):
    """One load or store: its virtual address, its kind, and how many PTEs a walk for it reads."""

    va: int
    kind: str
    references: int


def trace(machine: Machine, most: int = 100_000) -> Iterator[Access]:
    """Run hart 0 of `machine` for at most `most` instructions; its loads and stores, in order."""
    hart = machine.harts[0]
    for _ in range(most):
        found = _access(machine, hart)
        if found is not None:
            walk = pages.walk(reader(machine.memory), regime(hart), *found)
            yield Access(*found, walk.references)
        if machine.step().reason != "budget":
            return


def reader(memory: Memory) -> pages.ReadU64:
    """`memory` as a walk reads it: None if there is no RAM."""

    def read_u64(address: int) -> int | None:
        try:
            return memory.read_u64(address)
        except AccessFault:
            return None

    return read_u64


def regime(hart: Hart) -> pages.Regime:
    """Return what a data access of `hart` is translated under."""
    status = hart.csr["mstatus"]
    return pages.Regime(hart.csr["satp"], hart.priv, bool(status & st.SUM), bool(status & st.MXR))


def _access(machine: Machine, hart: Hart) -> tuple[int, str] | None:
    """Return address and kind of the access that the instruction at pc makes, or None."""
    pc = pages.walk(reader(machine.memory), regime(hart), hart.pc & MASK64, pages.FETCH).pa
    if pc is None:
        return None
    word = int.from_bytes(machine.memory.read(pc, 4), "little")
    word &= (1 << 8 * isa.length(word)) - 1
    row = isa.decode(word)
    if row is None:
        return None
    base, values = expand(row, word) if row.base else (row, extract_all(row, word))
    opcode = base.match & 0x7F
    if opcode not in (LOADS, STORES):
        return None
    address = (hart.x[values["rs1"]] + values["imm"]) & MASK64
    return address, pages.LOAD if opcode == LOADS else pages.STORE
