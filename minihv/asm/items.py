"""What assembly source consists of after parsing: items that know their size and their bytes.

Numbers that depend on addresses stay expressions until the layout gives every item its place.
`scope` is the layout: the values of symbols, and `here`, the item's own address.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from minihv.asm.expressions import Node, Problem, evaluate, symbols

if TYPE_CHECKING:
    from minihv.asm.layout import Layout

MAX_BYTES = 1 << 28
NOP, SHORT_NOP = b"\x13\0\0\0", b"\x01\0"


@dataclass(eq=False)
class Section:
    """A section: where it starts, its size so far and its alignment, all in bytes."""

    name: str
    base: int = 0
    size: int = 0
    align: int = 8


class Place(NamedTuple):
    """Where an item is: its section, and its line (from 1) and column (from 0) in the source."""

    section: Section
    line: int
    column: int


@dataclass(eq=False)
class Item:
    """A piece of a section, with the fields of its `Place`."""

    section: Section
    line: int
    column: int
    offset: int = field(init=False, default=0)
    size: int = field(init=False, default=0)
    placed: bool = field(init=False, default=False)

    is_code = False

    @property
    def address(self) -> int:
        """Return where it is, as far as that is known yet (`placed`)."""
        return self.section.base + self.offset

    def measure(self, scope: Layout) -> int:
        """Return its size in bytes at `scope.here`; may raise Problem while symbols are missing."""
        return 0

    def emit(self, scope: Layout) -> bytes:
        """Return its `size` bytes; Problem if it cannot be encoded."""
        return b""


@dataclass(eq=False)
class Label(Item):
    name: str


@dataclass(eq=False)
class Assignment(Item):
    """``.set``: the name has this value from here to its next ``.set``."""

    name: str
    node: Node

    def measure(self, scope: Layout) -> int:
        scope.assigned[self.name] = evaluate(self.node, scope)
        return 0

    def emit(self, scope: Layout) -> bytes:
        self.measure(scope)
        return b""


@dataclass(eq=False)
class Data(Item):
    """Numbers of `width` bytes each, little-endian, signed or unsigned."""

    width: int
    nodes: list[Node]

    def measure(self, scope: Layout) -> int:
        return self.width * len(self.nodes)

    def emit(self, scope: Layout) -> bytes:
        bits = 8 * self.width
        out = b""
        for node in self.nodes:
            value = evaluate(node, scope)
            if bits < 64 and not -(1 << bits - 1) <= value < 1 << bits:
                raise Problem(f"{value:#x} does not fit in {bits} bits", node.column)
            out += (value & (1 << bits) - 1).to_bytes(self.width, "little")
        return out


@dataclass(eq=False)
class Align(Item):
    """Padding up to a multiple of `to` bytes, none if more than `most`; in code nops."""

    to: int
    fill: int | None
    most: int | None
    code: bool

    def measure(self, scope: Layout) -> int:
        gap = -scope.position % self.to
        return gap if self.most is None or gap <= self.most else 0

    def emit(self, scope: Layout) -> bytes:
        if self.fill is not None or not self.code:
            return bytes([(self.fill or 0) & 0xFF]) * self.size
        return b"\0" * (self.size & 1) + nops(self.size & ~1)


def nops(size: int) -> bytes:
    """Return `size` (even) bytes of instructions that do nothing; the short one first."""
    return (SHORT_NOP if size & 2 else b"") + NOP * (size // 4)


@dataclass(eq=False)
class Space(Item):
    """`count` times `width` bytes of `fill`."""

    count: Node
    fill: Node
    width: int = 1

    def measure(self, scope: Layout) -> int:
        return min(max(evaluate(self.count, scope), 0) * self.width, MAX_BYTES + 1)

    def emit(self, scope: Layout) -> bytes:
        if (count := evaluate(self.count, scope)) < 0:
            raise Problem(f"a count of {count} is negative", self.count.column)
        value = evaluate(self.fill, scope) & (1 << 8 * self.width) - 1
        return value.to_bytes(self.width, "little") * (self.size // self.width)


@dataclass(eq=False)
class Org(Item):
    """Space up to `target`: a plain number counts from the section's start, as in GNU as."""

    target: Node
    fill: Node

    def distance(self, scope: Layout) -> int:
        """Return the bytes from here to the target, negative if it lies before."""
        if any(symbols(self.target)):
            return evaluate(self.target, scope) - scope.here
        return evaluate(self.target, scope) + self.section.base - scope.position

    def measure(self, scope: Layout) -> int:
        return min(max(self.distance(scope), 0), MAX_BYTES + 1)

    def emit(self, scope: Layout) -> bytes:
        if self.distance(scope) < 0:
            reached = scope.here - self.section.base
            raise Problem(f".org cannot move back: {self.section.name} is {reached:#x} bytes long "
                          "here already", self.target.column)  # fmt: skip
        return bytes([evaluate(self.fill, scope) & 0xFF]) * self.size
