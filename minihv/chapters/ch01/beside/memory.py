"""A guest's memory as exercises hand it over: the doublewords that are not 0, by address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

ReadU64 = Callable[[int], int | None]


@dataclass(frozen=True)
class Region:
    """What the kernel meant: `start` .. `end` (virtual) mapped by pages of `page` bytes with
    `rights` such as "r-x", all of it for the user."""

    name: str
    start: int
    end: int
    rights: str
    page: int = 4096

    def __str__(self) -> str:
        size = "2 MiB" if self.page > 4096 else "4 KiB"
        return f"{self.name:10} {self.start:#012x} .. {self.end:#012x}  {self.rights}  {size} pages"


def reader(words: dict[int, int], base: int, size: int) -> ReadU64:
    """Return what reads the doubleword at a physical address; None outside base .. base + size."""

    def read_u64(address: int) -> int | None:
        return words.get(address, 0) if base <= address <= base + size - 8 else None

    return read_u64


def walks(call: Callable[..., list], answers: Sequence[Any], asked: Any) -> list:
    """Return an outcome for each access, all of them through the same memory."""
    read_u64 = reader(dict(asked["words"]), asked["base"], asked["size"])
    return [call(answers[0], read_u64, *arguments) for arguments in asked["calls"]]


def broken_guest(words: list, base: int, size: int, satp: int, va: int, cause: int,
                 regions: list) -> list[Any]:
    """Return the arguments of find_fault: (read_u64, satp, va, cause, regions)."""
    return [reader(dict(words), base, size), satp, va, cause, [Region(*one) for one in regions]]
