"""Which shadow tables hold what: so a fence visits only those that lose something.

A guest may have hundreds of address spaces, and fence one page, or one space, in a loop. What that
costs must not grow with what it has.
"""

from __future__ import annotations

from collections.abc import Iterator

from minihv.hw.mmu import LEVELS
from minihv.vmm.layers import Regime
from minihv.vmm.shadowtable import SPACE


class Holders:
    """Notes by page and by space.

    A table is named by its regime, and is in the space of its ASID. A page is (level, number): the
    guest's leaf there, at gva >> 12 + 9 * level. What a table has lost may stay noted until the
    next fence of that page, or until the table goes: each note costs one visit.
    """

    def __init__(self) -> None:
        self._tables: dict[int, dict[Regime, set[tuple[int, int]]]] = {}  # by ASID: their pages
        self._pages: dict[tuple[int, int], dict[int, set[Regime]]] = {}  # by page, by ASID
        self.notes = 0

    def add(self, key: Regime, gva: int, level: int) -> None:
        """Note that this table holds the page around `gva` that the guest has at `level`."""
        asid, page = key[0] >> 44 & 0xFFFF, (level, (gva & SPACE) >> 12 + 9 * level)
        tables = self._tables.get(asid) or self._tables.setdefault(asid, {})
        mine = tables.get(key)
        if mine is None:
            mine = tables[key] = set()
        if page not in mine:
            mine.add(page)
            spaces = self._pages.get(page)
            if spaces is None:
                self._pages[page] = {asid: {key}}
            else:
                spaces.setdefault(asid, set()).add(key)
            self.notes += 1

    def take(self, gva: int, asid: int | None) -> Iterator[tuple[Regime, int]]:
        """Yield the tables, of one space or of all, that hold gva's page, with its level there.

        They hold it no more.
        """
        for level in range(LEVELS):
            page = level, (gva & SPACE) >> 12 + 9 * level
            spaces = self._pages.get(page)
            if spaces is None:
                continue
            for space in list(spaces) if asid is None else [asid] if asid in spaces else []:
                for key in spaces.pop(space):
                    self._tables[space][key].discard(page)
                    self.notes -= 1
                    yield key, level
            if not spaces:
                del self._pages[page]

    def of_space(self, asid: int) -> list[Regime]:
        """Return the tables of one space that hold anything."""
        return list(self._tables.get(asid, ()))

    def forget(self, key: Regime) -> None:
        """Forget all about a table."""
        asid = space_of(key)
        tables = self._tables.get(asid, {})
        for page in tables.pop(key, ()):
            self.notes -= 1
            self._pages[page][asid].discard(key)
            if not self._pages[page][asid]:
                del self._pages[page][asid]
            if not self._pages[page]:
                del self._pages[page]
        if not tables:
            self._tables.pop(asid, None)


def space_of(key: Regime) -> int:
    """Return the ASID of the guest's address space."""
    return key[0] >> 44 & 0xFFFF
