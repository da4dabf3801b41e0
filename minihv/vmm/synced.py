"""Shadow tables that are never stale: the guest's page tables are write-protected.

The other policy of shadow paging. A frame that a walk has read PTEs from is a page table; no
shadow entry lets the guest write there. A store to it exits, is carried out by hand, and drops
exactly what was derived from that PTE. In return a fence has nothing to drop, and an address
space that comes back finds its shadow table filled.

A frame that is written several times and read by no walk in between is no table any more (the
guest clears it, or uses it for something else): it is set free, until a walk meets it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minihv.hw import state as st
from minihv.hw.memory import PAGE
from minihv.vmm.layers import Regime
from minihv.vmm.shadow import ShadowPaging
from minihv.vmm.shadowtable import ShadowTable

if TYPE_CHECKING:
    from minihv.vmm.vcpu import VCPU

FLOOD = 3  # stores to a table without a walk, after which it is no table
MOST_ORIGINS = 1 << 17  # notes about what was derived from where, before all start afresh
PTES = PAGE // 8  # in a frame
WHY = "page table"  # the reason for which frames are protected

Part = tuple[Regime, int, int]  # of a shadow table: its regime, gva, level (0: one page)


class GuestTable:
    """A guest frame that holds PTEs."""

    def __init__(self) -> None:
        self.derived: dict[int, set[Part]] = {}  # by a PTE's place in RAM, in doublewords
        self.stores = 0  # since the last walk


class SyncedShadowPaging(ShadowPaging):
    """Shadow tables that follow the guest's tables at once, by write protection."""

    def __init__(self, limit: int = 1024):
        super().__init__(limit)
        self.guest_tables: dict[int, GuestTable] = {}  # by guest frame number, from RAM's start
        self._writable: dict[int, set[tuple[Regime, int]]] = {}  # by guest frame: where it is W
        self._origins = 0

    # --- what is derived from what ------------------------------------------------------------

    def fill(self, vcpu: VCPU, gva: int, gpa: int) -> None:
        """As ShadowPaging; note which PTEs the entry comes from, and protect them first."""
        if self._origins > MOST_ORIGINS:
            self.drop()
            return  # the fault comes again, and finds a table to fill
        key = self.key
        assert key is not None
        for depth, place in enumerate(self.walker.seen):
            level = 2 - depth
            self._note_origin(place, (key, gva & -(PAGE << 9 * level), level))
        super().fill(vcpu, gva, gpa)

    def put(self, table: ShadowTable, gva: int, entry: int, level: int) -> None:
        """Write one entry; remember where a frame can be written."""
        table.put(gva, entry)
        if entry & st.WRITE << 1:
            assert self.key is not None
            frame = (entry >> 10) - (self.vm.memory.base + self.vm.memory.offset >> 12)
            self._writable.setdefault(frame, set()).add((self.key, gva & -PAGE))

    def _note_origin(self, place: int, part: Part) -> None:
        table = self.guest_tables.get(place // PTES)
        if table is None:
            table = self.guest_tables[place // PTES] = GuestTable()
            self.vm.memory.protect(place // PTES, WHY)
        table.stores = 0
        parts = table.derived.setdefault(place, set())
        self._origins += part not in parts
        parts.add(part)

    def protect(self, frame: int) -> None:
        """Take W from all entries that map this frame."""
        for key, gva in self._writable.pop(frame, ()):
            table = self.tables.get(key)
            if table is not None:
                self._drop_part(table, gva, 0)

    # --- a table was written ------------------------------------------------------------------

    def written(self, gpa: int, n: int) -> None:
        """Drop what was derived from the PTEs that have changed."""
        if not self.guest_tables:
            return
        first = gpa - self.vm.memory.base >> 3
        last = gpa - self.vm.memory.base + n - 1 >> 3
        for frame in range(first // PTES, last // PTES + 1):
            table = self.guest_tables.get(frame)
            if table is None:
                continue
            table.stores += 1
            if table.stores > FLOOD:
                self._set_free(frame)
            else:
                for place in range(max(first, frame * PTES), min(last, frame * PTES + 511) + 1):
                    self._drop_parts(table.derived.pop(place, ()))

    def _set_free(self, frame: int) -> None:
        """Take this frame for a page table no more."""
        self.vm.memory.release(frame, WHY)
        for parts in self.guest_tables.pop(frame).derived.values():
            self._drop_parts(parts)

    def _drop_parts(self, parts: object) -> None:
        for key, gva, level in parts:  # type: ignore[attr-defined]
            self._origins -= 1
            table = self.tables.get(key)
            if table is not None:
                self._drop_part(table, gva, level)

    # --- fences -------------------------------------------------------------------------------

    def fence(self, asid: int | None = None) -> None:
        """Do nothing: nothing is stale."""

    def fence_page(self, gva: int, asid: int | None = None) -> None:
        """Do nothing: nothing is stale."""

    def drop(self) -> None:
        """Forget all, also what is a page table."""
        super().drop()
        for frame in self.guest_tables:
            self.vm.memory.release(frame, WHY)
        self.guest_tables.clear()
        self._writable.clear()
        self._origins = 0
