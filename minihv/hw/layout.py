"""Second pass of the assembler: gives every item its address, then its bytes.

Sizes depend on addresses (a jump may be compressed if it is near, li may load a label's value)
and addresses on sizes. So the items are walked again and again until nothing moves. Instructions
only ever grow in this, which makes it end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from minihv.errors import AssemblyError
from minihv.hw.expressions import Operation, Problem, UndefinedSymbol, evaluate, suggest
from minihv.hw.items import MAX_BYTES, Code, Item, Label, Section

_ROUNDS = 100


class Layout:
    """Addresses of items and values of symbols: the scope in which expressions stand.

    The sections lie one behind the other from `origin` up; `here` is the address of the item at
    hand. Numeric local labels are symbols such as ``1#2``, the second ``1:`` of the source.
    """

    def __init__(self, sections: Iterable[Section], items: list[Item], origin: int):
        self.sections = list(sections)
        self.items = items
        self.origin = origin
        self.here = origin
        self.symbols: dict[str, int] = {}
        self.section_of = {i.name: i.section for i in items if isinstance(i, Label)}
        self.distances: dict[int, int] = {}
        for section in self.sections:
            section.base = origin

    def value(self, name: str, column: int) -> int:
        """The symbol's value; UndefinedSymbol with names like it if it has none."""
        if name in self.symbols:
            return self.symbols[name]
        if "#" in name:
            number = name.partition("#")[0]
            raise UndefinedSymbol(f"no label {number}: comes after this", column, name)
        known = [symbol for symbol in self.symbols if "#" not in symbol]
        message = f"undefined label '{name}'{suggest(name, known)}"
        raise UndefinedSymbol(message, column, name)

    def pcrel_distance(self, address: int, column: int) -> int:
        """How far the %pcrel_hi of the instruction at `address` reaches."""
        if address not in self.distances:
            raise Problem("%pcrel_lo takes the label of an auipc with %pcrel_hi", column)
        return self.distances[address]

    def settle(self) -> None:
        """Walks the items until no address, size or symbol changes."""
        for _ in range(_ROUNDS):
            before = dict(self.symbols)
            if not self._walk(self._measure) and before == self.symbols:
                return
        raise AssemblyError("sizes never settle: some .space, .align or .org depends on itself")

    def _walk(self, visit: Callable[[Item], bool]) -> bool:
        """Visits the items in the source's order, then places sections; whether any moved."""
        for section in self.sections:
            section.size = 0
        moved = False
        for item in self.items:
            self.here = item.section.base + item.section.size
            moved |= visit(item)
            item.section.size += item.size
        base = self.origin
        for section in self.sections:
            if section.size and base != self.origin:
                base += -base % section.align
            moved |= section.base != base
            self._shift(section, base - section.base)
            base += section.size
        return moved

    def _shift(self, section: Section, distance: int) -> None:
        """Moves a section and its labels, so that distances within it stay what they are."""
        section.base += distance
        for name, where in self.section_of.items():
            if where is section and name in self.symbols:
                self.symbols[name] += distance

    def _measure(self, item: Item) -> bool:
        try:
            size = item.measure(self)
        except Problem:
            size = item.size  # a symbol is missing still; if for good, emit says so
        moved = (item.address, item.size) != (self.here, size)
        item.address, item.size = self.here, size
        return moved

    def emit(self) -> bytes:
        """The bytes from the origin to the end of the last section; AssemblyError."""
        end = max(section.base + section.size for section in self.sections)
        if end - self.origin > MAX_BYTES:
            raise AssemblyError(f"the program takes {end - self.origin} bytes, more than "
                                f"{MAX_BYTES}; look for a large .space or .org")  # fmt: skip
        self._note_distances()
        image = bytearray(end - self.origin)
        for item in self.items:
            self.here = item.address
            data = self._emit(item)
            at = item.address - self.origin
            image[at : at + len(data)] = data
        return bytes(image)

    def _emit(self, item: Item) -> bytes:
        try:
            data = item.emit(self)
            if item.section.name == ".bss" and any(data):
                raise Problem(".bss holds only zeros; put this in .data", item.column)
        except Problem as error:
            raise AssemblyError(error.message, item.line, error.column + 1) from None
        assert len(data) == item.size, f"{item} has {len(data)} bytes, measured {item.size}"
        return data

    def _note_distances(self) -> None:
        """Notes what every %pcrel_hi reaches, for the %pcrel_lo that may even stand before it."""
        for item in self.items:
            if not isinstance(item, Code):
                continue
            self.here = item.address
            for node in (operand.value for operand in item.operands):
                if isinstance(node, Operation) and node.operator == "%pcrel_hi":
                    try:
                        target = evaluate(node.arguments[0], self)
                    except Problem:
                        continue  # emit reports it at its place
                    self.distances[item.address] = target - item.address
