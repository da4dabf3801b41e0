"""The CLINT: software interrupts and the timer (SiFive Core Complex manual, CLINT chapter).

    0x0000 + 4*hart    msip       bit 0 raises MSIP of that hart (32 bits)
    0x4000 + 8*hart    mtimecmp   MTIP is pending while mtime >= mtimecmp (64 bits)
    0xbff8             mtime      the timebase's count, shared by all harts (64 bits)

The harts own mtime and mtimecmp, because time is a count of their instructions. This device is
the window onto them. Registers may be accessed whole or in parts of 1, 2, 4 or 8 bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minihv.devices.board import Part
from minihv.devices.fdt import Node
from minihv.hw.bits import MASK64
from minihv.hw.bus import Device
from minihv.hw.causes import MSI, MTI
from minihv.hw.hart import Hart

MTIMECMP_BASE, MTIME = 0x4000, 0xBFF8


class Clint(Device):
    """One CLINT for all harts, in hart-id order.

    current: says whose access it is. Within a round the harts' clocks differ, and each must read
    here what its own `time` CSR says.
    """

    _state: list[int]  # the msip bits; the timers are saved with their harts

    def __init__(self, harts: Sequence[Hart], current: Callable[[], Hart] | None = None):
        self._harts = harts
        self._current = current or (lambda: harts[0])
        self._state = [0] * len(harts)

    def read(self, offset: int, size: int) -> int:
        """Return the bytes of whatever register is there; 0 if there is none."""
        value = self._load(offset & ~7) >> 8 * (offset & 7)
        return value & (1 << 8 * size) - 1

    def write(self, offset: int, size: int, value: int) -> None:
        """Merge `size` bytes into the 8-byte cell that holds them; no cell, no effect."""
        cell, shift = offset & ~7, 8 * (offset & 7)
        mask = ((1 << 8 * size) - 1 << shift) & MASK64
        self._store(cell, self._load(cell) & ~mask | value << shift & mask)

    def settle(self) -> None:
        """Drive every hart's MSIP as its msip says."""
        for hart, level in zip(self._harts, self._state, strict=True):
            hart.set_pending(MSI, bool(level))

    def _load(self, cell: int) -> int:
        """Return the 64 bits at an 8-byte-aligned offset: two harts' msip, or one register."""
        if cell == MTIME:
            return self._current().mtime & MASK64
        if cell >= MTIMECMP_BASE:
            hart = (cell - MTIMECMP_BASE) // 8
            return self._harts[hart].mtimecmp & MASK64 if hart < len(self._harts) else 0
        pair = self._state[cell // 4 : cell // 4 + 2]
        return sum(level << 32 * i for i, level in enumerate(pair))

    def _store(self, cell: int, value: int) -> None:
        if cell == MTIME:
            change = value - self._current().mtime
            for hart in self._harts:
                hart.mtime = hart.mtime + change & MASK64
        elif cell >= MTIMECMP_BASE:
            hart_id = (cell - MTIMECMP_BASE) // 8
            if hart_id < len(self._harts):
                self._harts[hart_id].mtimecmp = value
        else:
            for i in range(cell // 4, min(cell // 4 + 2, len(self._harts))):
                self._state[i] = value >> 32 * (i & 1) & 1
            self.settle()


PART = Part(
    "clint", 0x2000000, 0x10000, lambda board: Clint(board.harts, lambda: board.hart),
    drives=(MSI, MTI), node=Node("clint", {"compatible": ["sifive,clint0", "riscv,clint0"]}),
)  # fmt: skip
