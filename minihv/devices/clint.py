"""The CLINT: software interrupts and the timer (SiFive Core Complex manual, CLINT chapter).

    0x0000 + 4*hart    msip       bit 0 raises MSIP of that hart (32 bits)
    0x4000 + 8*hart    mtimecmp   MTIP is pending while mtime >= mtimecmp (64 bits)
    0xbff8             mtime      the timebase's count, shared by all harts (64 bits)

The harts own mtime and mtimecmp, because time is a count of their instructions. This device is
the window onto them. Registers may be accessed whole or in parts of 1, 2, 4 or 8 bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

MTIMECMP_BASE, MTIME = 0x4000, 0xBFF8
MSIP_BIT = 3  # in mip
MASK64 = (1 << 64) - 1


class ClintHart(Protocol):
    """What the CLINT needs of a hart; mtime and mtimecmp are unsigned 64-bit timebase ticks."""

    mtime: int
    mtimecmp: int

    def set_pending(self, bit: int, level: bool) -> None: ...


class Clint:
    """One CLINT for all harts, in hart-id order.

    current: says whose access it is. Within a round the harts' clocks differ, and each must read
    here what its own `time` CSR says.
    """

    size = 0x10000

    def __init__(self, harts: Sequence[ClintHart], current: Callable[[], ClintHart] | None = None):
        self._harts = harts
        self._current = current or (lambda: harts[0])
        self._msip = [0] * len(harts)

    def read(self, offset: int, size: int) -> int:
        """The bytes of whatever register lies there; 0 where there is none."""
        value = self._load(offset & ~7) >> 8 * (offset & 7)
        return value & (1 << 8 * size) - 1

    def write(self, offset: int, size: int, value: int) -> None:
        """Merge `size` bytes into the 8-byte cell that holds them; no cell, no effect."""
        cell, shift = offset & ~7, 8 * (offset & 7)
        mask = ((1 << 8 * size) - 1 << shift) & MASK64
        self._store(cell, self._load(cell) & ~mask | value << shift & mask)

    def save(self) -> list[int]:
        """The msip bits; the timers are saved with their harts."""
        return list(self._msip)

    def restore(self, state: list[int]) -> None:
        """Return to saved msip bits and drive every hart's MSIP accordingly."""
        for hart, level in enumerate(state):
            self._set_msip(hart, level)

    def _load(self, cell: int) -> int:
        """The 64 bits at an 8-byte-aligned offset: two harts' msip, or one 64-bit register."""
        if cell == MTIME:
            return self._current().mtime & MASK64
        if cell >= MTIMECMP_BASE:
            hart = (cell - MTIMECMP_BASE) // 8
            return self._harts[hart].mtimecmp & MASK64 if hart < len(self._harts) else 0
        pair = self._msip[cell // 4 : cell // 4 + 2]
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
            for i in range(len(self._msip[cell // 4 : cell // 4 + 2])):
                self._set_msip(cell // 4 + i, value >> 32 * i & 1)

    def _set_msip(self, hart: int, level: int) -> None:
        if level != self._msip[hart]:
            self._msip[hart] = level
            self._harts[hart].set_pending(MSIP_BIT, bool(level))
