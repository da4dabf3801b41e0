"""Exercise 16.3's fleets: clones that can be read and written part by part.

In each fleet one part is copied wrongly, in a way in which such copies go wrong in practice.
"""

from __future__ import annotations

from random import Random

from minihv.course.sealed import Sealed, opened

PARTS = {"registers": 32, "console": 16, "timer": 2, "page 0": 64, "page 1": 64, "page 2": 64,
         "page 3": 64}  # fmt: skip


class Clone:
    """One clone: `parts` maps each part's name to its size; `read` and `write` one cell of it."""

    def __init__(self, fleet: Fleet):
        self.parts = dict(PARTS)
        self._fleet = fleet
        self._own = {name: list(cells) for name, cells in fleet.snapshot.items()}

    def _cells(self, part: str, index: int) -> list[int]:
        if not 0 <= index < PARTS[part]:
            raise IndexError(f"{part} has cells 0 to {PARTS[part] - 1}, not {index}")
        faulty, way = fault_of(self._fleet)
        if part == faulty and (way == "alias" or way == "upper" and index >= PARTS[part] // 2):
            return self._fleet.snapshot[part]
        return self._own[part]

    def read(self, part: str, index: int) -> int:
        """Return the value of one cell."""
        return self._cells(part, index)[index]

    def write(self, part: str, index: int, value: int) -> None:
        """Change one cell."""
        self._cells(part, index)[index] = value
        if fault_of(self._fleet) == (part, "late"):
            self._fleet.snapshot[part][index] = value


class Fleet:
    """Makes clones of one snapshot, with one fault: `fleet.clone()`.

    part: the one that is copied wrongly, or None; way: how.
    """

    def __init__(self, seed: int, part: str | None, way: str):
        rng = Random(seed)
        self._fault = Sealed((part, way))
        self.snapshot = {n: [rng.randrange(256) for _ in range(k)] for n, k in PARTS.items()}

    def clone(self) -> Clone:
        """Return one more clone."""
        return Clone(self)

    def __repr__(self) -> str:
        return f"a fleet of clones; each has {', '.join(PARTS)}"


def fault_of(fleet: Fleet) -> tuple[str | None, str]:
    """Return the part that is copied wrongly, and the way."""
    return opened(fleet._fault)
