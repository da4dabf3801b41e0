"""Second pass of the assembler: gives every item its address, then its bytes.

Sizes depend on addresses (a jump may be compressed if it is near, li may load a label's value)
and addresses on sizes. So the items are walked again and again until nothing moves. Instructions
only ever grow in this, which makes it end.
"""

from __future__ import annotations

from collections.abc import Iterable

from minihv.asm.expressions import Operation, Problem, UndefinedSymbol, evaluate, suggest
from minihv.asm.instructions import Code
from minihv.asm.items import MAX_BYTES, Item, Label, Section
from minihv.errors import AssemblyError

_ROUNDS = 100


class Layout:
    """Addresses of items and values of symbols: the scope of expressions.

    The sections lie one after the other from `origin` up. While they settle, `here` and every
    label are where the last walk left them, so that distances between them are of one layout;
    `position` is where the item at hand comes to lie now. Numeric local labels are symbols such
    as ``1#2``, the second ``1:`` of the source.
    """

    def __init__(self, sections: Iterable[Section], items: list[Item], origin: int):
        self.sections = list(sections)
        self.items = items
        self.origin = origin
        self.here = self.position = origin
        self.labels = {item.name: item for item in items if isinstance(item, Label)}
        self.assigned: dict[str, int] = {}
        self.distances: dict[int, int] = {}
        self.settled = False
        for section in self.sections:
            section.base = origin

    def value(self, name: str, column: int) -> int:
        """Return the symbol's value; UndefinedSymbol with names like it if it has none."""
        if name in self.assigned:
            return self.assigned[name]
        if name in self.labels and self.labels[name].placed:
            return self.labels[name].address
        if "#" in name:
            number = name.partition("#")[0]
            raise UndefinedSymbol(f"no label {number}: comes after this", column, name)
        known = self.symbols() if self.settled else {}
        message = f"undefined label '{name}'{suggest(name, known)}"
        raise UndefinedSymbol(message, column, name)

    def symbols(self) -> dict[str, int]:
        """Return labels and assigned names with their values, numeric labels left out."""
        labels = {name: item.address for name, item in self.labels.items() if "#" not in name}
        return labels | self.assigned

    def pcrel_distance(self, address: int, column: int) -> int:
        """Return how far the %pcrel_hi of the instruction at `address` reaches."""
        if address not in self.distances:
            raise Problem("%pcrel_lo takes the label of an auipc with %pcrel_hi", column)
        return self.distances[address]

    def settle(self) -> None:
        """Walk the items until no address, size or symbol changes."""
        for _ in range(_ROUNDS):
            before = dict(self.assigned)
            if not self._walk() and before == self.assigned:
                self.settled = True
                return
        raise AssemblyError("sizes never settle: some .space, .align or .org depends on itself")

    def _walk(self) -> bool:
        """Measure the items in the source's order, then move all; return whether any moved."""
        offsets = []
        moved = False
        for section in self.sections:
            section.size = 0
        for item in self.items:
            section = item.section
            offsets.append(section.size)
            self.here, self.position = item.address, section.base + section.size
            size = self._measure(item)
            moved |= size != item.size
            item.size = size
            section.size += size
        for item, offset in zip(self.items, offsets, strict=True):
            moved |= item.offset != offset or not item.placed
            item.offset, item.placed = offset, True
        return self._place_sections() or moved

    def _measure(self, item: Item) -> int:
        try:
            return item.measure(self)
        except Problem:
            return item.size  # a symbol is missing still; if for good, emit says so

    def _place_sections(self) -> bool:
        base = self.origin
        moved = False
        for section in self.sections:
            if section.size and base != self.origin:
                base += -base % section.align
            moved |= section.base != base
            section.base = base
            base += section.size
        return moved

    def emit(self) -> bytes:
        """Return the bytes from the origin to the end of the last section; AssemblyError."""
        end = max(section.base + section.size for section in self.sections)
        if end - self.origin > MAX_BYTES:
            raise AssemblyError(f"the program takes {end - self.origin} bytes, more than "
                                f"{MAX_BYTES}; look for a large .space or .org")  # fmt: skip
        self._note_distances()
        image = bytearray(end - self.origin)
        for item in self.items:
            self.here = self.position = item.address
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
        """Note what every %pcrel_hi reaches, for the %pcrel_lo, which may even come before it."""
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
