"""A guest's memory: a window onto the host's RAM.

Guest-physical RAM_BASE is host-physical RAM_BASE + offset. The window's arrays are parts of the
host's arrays, so all of minihv.hw works on a window as it does on a machine's whole RAM: the page
walker given a window reads and marks the guest's own page tables, and cannot reach anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minihv.errors import ConfigError
from minihv.hw.memory import PAGE, Memory
from minihv.hw.state import CODE_STRIDE, PAGE_SLOW, SHARED_CODE_PAGES, WRITE
from minihv.vmm.exits import Reason

if TYPE_CHECKING:
    from minihv.vmm.layers import Paging


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
        self.regions = host.regions
        self._show()
        self.paging: Paging | None = None  # told of what changes here
        self._protected: dict[int, set[str]] = {}  # by frame: for which reasons

    def write(self, gpa: int, data: bytes) -> None:
        """As Memory.write; the paging layer is told."""
        super().write(gpa, data)
        if self.paging is not None:
            self.paging.written(gpa, len(data))

    def drop_code(self) -> None:
        """Drop all decoded code of the host: its guests share one store of it."""
        self.host.drop_code()

    def fence(self) -> None:
        """As Memory.fence; the paging layer is told."""
        super().fence()
        if self.paging is not None:
            self.paging.fence()

    def drop_translations(self) -> None:
        """As Memory.drop_translations; tables that were made from the page flags go, too."""
        super().drop_translations()
        if self.paging is not None:
            self.paging.drop()

    def make_room_for_code(self) -> None:
        """Make room for a few more pages of decoded code, lest it start afresh in between."""
        if (int(self.shared[SHARED_CODE_PAGES]) + 4) * CODE_STRIDE > len(self.code):
            self.host.drop_code()
            self.host.drop_translations()

    # --- what the hart must not do by itself --------------------------------------------------

    def obstacle(self, gpa: int, access: int) -> Reason | None:
        """Return why no hart may do this access by itself, whatever the guest's tables say."""
        offset = gpa - self.base
        if not 0 <= offset < self.size:
            return Reason.MMIO
        if self.views.page_flags[offset >> 12] & PAGE_SLOW:
            return Reason.ACCESS
        return Reason.TABLE if access == WRITE and self.protects(gpa) else None

    def protects(self, gpa: int) -> bool:
        """Return whether each store of the guest to this frame is an exit."""
        return gpa - self.base >> 12 in self._protected

    def protect(self, frame: int, why: str) -> None:
        """Write-protect a frame (its number, from RAM's start) until it is released."""
        reasons = self._protected.setdefault(frame, set())
        if not reasons and self.paging is not None:
            self.paging.protect(frame)
        reasons.add(why)

    def release(self, frame: int, why: str) -> None:
        """Let the guest write to a protected frame again, if this was the last reason."""
        self._protected[frame].discard(why)
        if not self._protected[frame]:
            del self._protected[frame]
