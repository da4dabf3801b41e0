"""A guest's memory: a window onto the host's RAM.

Guest-physical RAM_BASE is host-physical RAM_BASE + offset. The window's arrays are parts of the
host's arrays, so all of minihv.hw works on a window as it does on a machine's whole RAM: the page
walker given a window reads and marks the guest's own page tables, and cannot reach anything else.
"""

from __future__ import annotations

from collections.abc import Callable

from minihv.errors import ConfigError
from minihv.hw.memory import PAGE, Memory
from minihv.hw.state import CODE_STRIDE, SHARED_CODE_PAGES


class GuestMemory(Memory):
    """`size` bytes at `offset` of the host's RAM, addressed by gpa."""

    def __init__(self, host: Memory, offset: int, size: int):
        if size <= 0 or size % PAGE:
            raise ConfigError(
                f"memory of {size} bytes: give a positive multiple of 4096 bytes, such as 128M"
            )
        self.host = host
        self.offset = offset
        self.base = host.base
        self.size = size
        self.bytes = host.bytes[offset : offset + size]
        pages = slice(offset // PAGE, (offset + size) // PAGE)
        self.flags = host.flags[pages]
        self.code_of = host.code_of[pages]
        self.code, self.shared = host.code, host.shared
        self._show()
        self.on_write: Callable[[int, int], None] | None = None  # told (gpa, n) afterwards
        self.on_drop: Callable[[], None] | None = None

    def write(self, gpa: int, data: bytes) -> None:
        """As Memory.write; whoever derived something from these bytes is told."""
        super().write(gpa, data)
        if self.on_write is not None:
            self.on_write(gpa, len(data))

    def drop_code(self) -> None:
        """Decoded code is the whole host's: all of it goes."""
        self.host.drop_code()

    def drop_translations(self) -> None:
        """As Memory.drop_translations, and what was made from the page flags goes, too."""
        super().drop_translations()
        if self.on_drop is not None:
            self.on_drop()

    def make_room_for_code(self) -> None:
        """See to it that a few more pages of code can be decoded without starting afresh."""
        if (int(self.shared[SHARED_CODE_PAGES]) + 4) * CODE_STRIDE > len(self.code):
            self.host.drop_code()
            self.host.drop_translations()
