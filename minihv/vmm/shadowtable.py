"""One shadow page table: Sv39 tables in host frames that translate gva to hpa.

It has the shape of the guest's tables, level by level, but all of its leaves are 4 KiB pages. So
whatever a guest's PTE at some level stands for can be dropped as one subtree at that level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from minihv.hw.memory import Memory
from minihv.hw.mmu import PTE_V

SPACE = (1 << 39) - 1  # the bits of a virtual address that Sv39 translates


class ShadowTable:
    """The table for one address space in one regime; `frame` gives it zeroed frames (hpa).

    root: the root table's hpa if it is not a frame like any other (Sv39x4).
    """

    def __init__(self, memory: Memory, frame: Callable[[], int], root: int | None = None):
        self._r64 = memory.views.r64
        self._base = memory.base
        self._frame = frame
        self._middles: dict[int, int] = {}  # by gva >> 30: frames of the second level
        self._leaves: dict[int, int] = {}  # by gva >> 21: frames of the last level
        self._below: dict[int, set[int]] = {}  # by gva >> 30: the leaves there
        self._own_root = root is None
        self.root = frame() if root is None else root

    def __bool__(self) -> bool:
        """A table is there, however many frames it has."""
        return True

    def __len__(self) -> int:
        """Frames in use."""
        return 1 + len(self._middles) + len(self._leaves)

    def _index(self, frame: int, number: int) -> int:
        """Return where entry `number` of the table in `frame` is, in doublewords of RAM."""
        return (frame - self._base >> 3) + (number & 511)

    def put(self, gva: int, entry: int) -> None:
        """Let `entry` translate gva's page."""
        page = (gva & SPACE) >> 12
        leaf = self._leaves.get(page >> 9)
        if leaf is None:
            leaf = self._new_leaf(page >> 9)
        self._r64[(leaf - self._base >> 3) + (page & 511)] = entry

    def put_large(self, gva: int, entry: int) -> None:
        """Let `entry`, a 2 MiB page, translate gva; what was mapped there before is forgotten."""
        number = (gva & SPACE) >> 21
        assert number not in self._leaves
        self._r64[self._index(self._middle(number), number)] = entry

    def _middle(self, number: int) -> int:
        middle = self._middles.get(number >> 9)
        if middle is None:
            middle = self._middles[number >> 9] = self._frame()
            self._r64[self._index(self.root, number >> 9)] = middle >> 12 << 10 | PTE_V
        return middle

    def _new_leaf(self, number: int) -> int:
        middle = self._middle(number)
        leaf = self._leaves[number] = self._frame()
        self._below.setdefault(number >> 9, set()).add(number)
        self._r64[self._index(middle, number)] = leaf >> 12 << 10 | PTE_V
        return leaf

    def entry(self, gva: int) -> int:
        """Return the leaf entry for gva, 0 if there is none."""
        page = (gva & SPACE) >> 12
        leaf = self._leaves.get(page >> 9)
        return 0 if leaf is None else self._r64[self._index(leaf, page)]

    def pages(self) -> Iterator[tuple[int, int]]:
        """Yield (gva, entry) of all pages that are filled; gva without the bits above Sv39's."""
        for number, leaf in self._leaves.items():
            for n in range(512):
                entry = self._r64[self._index(leaf, n)]
                if entry:
                    yield number << 21 | n << 12, entry

    def drop_page(self, gva: int) -> None:
        """Forget one page."""
        page = (gva & SPACE) >> 12
        leaf = self._leaves.get(page >> 9)
        if leaf is not None:
            self._r64[self._index(leaf, page)] = 0

    def drop(self, gva: int, level: int) -> list[int]:
        """Forget the subtree that a PTE at `level` (1, 2) stands for; return its frames."""
        number = (gva & SPACE) >> 21
        if level == 1:
            return self._drop_leaf(number)
        numbers = self._below.pop(number >> 9, ())
        freed = [frame for leaf in list(numbers) for frame in self._drop_leaf(leaf)]
        middle = self._middles.pop(number >> 9, None)
        if middle is not None:
            self._r64[self._index(self.root, number >> 9)] = 0
            freed.append(middle)
        return freed

    def _drop_leaf(self, number: int) -> list[int]:
        leaf = self._leaves.pop(number, None)
        if leaf is None:
            return []
        self._below.get(number >> 9, set()).discard(number)
        self._r64[self._index(self._middles[number >> 9], number)] = 0
        return [leaf]

    def drop_all(self) -> list[int]:
        """Forget everything but the root; return the frames."""
        freed = [*self._leaves.values(), *self._middles.values()]
        for number in self._middles:
            self._r64[self._index(self.root, number)] = 0
        self._middles.clear()
        self._leaves.clear()
        self._below.clear()
        return freed

    def frames(self) -> list[int]:
        """Return all frames that `frame` gave, for when the table itself goes."""
        root = [self.root] if self._own_root else []
        return [*root, *self._middles.values(), *self._leaves.values()]
