"""RAM at several instants, with what did not change kept once.

Each kept instant has a version of just those pages that changed since the one before:

    page 0   A . . . B . . . .        at instant 4, page 0 is B, page 1 is C, page 2 is D:
    page 1   C . . . . . . . .        the last version at or before it
    page 2   . D . . . . E . .        (none: the page was still zero)
             0 1 2 3 4 5 6 7 8

What was written since is known from PAGE_DIRTY, which the harts' slow path and the host's writes
set. Invariant: a page whose flag is clear is as it was at the instant `base`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Any

import numpy as np

from minihv.hw.memory import PAGE, Memory
from minihv.hw.state import PAGE_DIRTY

PAGE_USED = 16  # a page flag of our own: it was dirty once, so it may be other than zero
ZERO = bytes(PAGE)


class PageHistory:
    """The versions of one memory's pages; instants are anything that has an order."""

    def __init__(self, memory: Memory):
        self._memory = memory
        self._instants: list[Any] = []
        self._changed: list[list[int]] = []  # by instant: the pages with a new version
        self._versions: dict[int, tuple[list[Any], list[bytes]]] = {}
        self._base = -1  # number of the instant that clean pages are as they were at
        self.bytes = 0  # kept

    def take(self, instant: Any) -> None:
        """Keep RAM as it is now; `instant` is later than all that are kept.

        What changed from `base` to the last kept instant was written again on the way here.
        """
        pages = self._written() if self._instants else self._written(PAGE_DIRTY | PAGE_USED)
        self._changed.append([page for page in sorted(pages) if self._keep(page, instant)])
        self._instants.append(instant)
        self.rest_at(len(self._instants) - 1)

    def rest_at(self, number: int) -> None:
        """Say that RAM is now what it was at kept instant `number`."""
        flags = self._memory.flags
        dirty = np.flatnonzero(flags & PAGE_DIRTY)
        flags[dirty] = flags[dirty] & np.uint8(~PAGE_DIRTY & 0xFF) | PAGE_USED
        self._memory.drop_translations()  # so that the next store to each page is noticed
        self._base = number

    def restore(self, number: int) -> None:
        """Make RAM what it was at kept instant `number`."""
        low, high = sorted((number, self._base))
        for page in self._written().union(*self._changed[low + 1 : high + 1]):
            content = self._content(page, self._instants[number])
            if content != self._read(page):
                self._memory.write(self._memory.base + page * PAGE, content)
        self.rest_at(number)

    def forget_from(self, number: int) -> None:
        """Forget the kept instants from `number` on; RAM stays as it is."""
        lost = set().union(*self._changed[number:])
        if self._base >= number:
            # What is clean now may differ from the last instant that is left: all of it is new.
            self._memory.flags[list(lost)] |= PAGE_DIRTY
            self._base = number - 1
        for page in lost:
            instants, contents = self._versions[page]
            end = bisect_left(instants, self._instants[number])
            self.bytes -= sum(map(len, contents[end:]))
            del instants[end:], contents[end:]
        del self._instants[number:], self._changed[number:]

    def thin(self, keep: Iterable[int]) -> None:
        """Forget all kept instants but the numbers in `keep`, the first and the last among them.

        To be called right after `take` only: clean pages are as they were at the last one.
        """
        numbers = sorted(keep)
        instants = [self._instants[number] for number in numbers]
        for page, (old, contents) in self._versions.items():
            moved: dict[Any, bytes] = {}  # the latest of the versions that now share an instant
            for instant, content in zip(old, contents, strict=True):
                moved[instants[bisect_left(instants, instant)]] = content
            self._versions[page] = list(moved), list(moved.values())
        ends = [0, *(number + 1 for number in numbers)]
        self._changed = [
            sorted(set().union(*self._changed[low:high]))
            for low, high in zip(ends, ends[1:], strict=False)
        ]
        self._base = len(instants) - 1
        self._instants = instants
        self.bytes = sum(sum(map(len, contents)) for _, contents in self._versions.values())

    def _written(self, flags: int = PAGE_DIRTY) -> set[int]:
        return set(np.flatnonzero(self._memory.flags & flags).tolist())

    def _read(self, page: int) -> bytes:
        return self._memory.read(self._memory.base + page * PAGE, PAGE)

    def _content(self, page: int, instant: Any) -> bytes:
        instants, contents = self._versions.get(page, ([], []))
        at = bisect_right(instants, instant)
        return contents[at - 1] if at else ZERO

    def _keep(self, page: int, instant: Any) -> bool:
        """Add a version of the page if it differs from the last one; return whether it did."""
        content = self._read(page)
        if content == self._content(page, instant):
            return False
        instants, contents = self._versions.setdefault(page, ([], []))
        instants.append(instant)
        contents.append(content)
        self.bytes += PAGE
        return True
