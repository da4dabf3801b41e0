"""Second pass of the assembler: gives every item its address, then its bytes.

Sizes depend on addresses (a jump may be compressed if it is near, li may load a label) and
addresses on sizes. So the items are walked again and again until nothing moves. Instructions only
ever grow in this, which makes it end.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from minihv.errors import AssemblyError
from minihv.hw import csrnames
from minihv.hw.expressions import (
    Node,
    Operation,
    Problem,
    UndefinedSymbol,
    evaluate,
    has_function,
    symbols,
)
from minihv.hw.isa import BY_NAME, Instruction, decode
from minihv.hw.operands import compress, encode, limits
from minihv.hw.pseudo import load_constant

MAX_BYTES = 1 << 28
_ROUNDS = 100
NOP, SHORT_NOP = b"\x13\0\0\0", b"\x01\0"


@dataclass(eq=False)
class Section:
    """A section and the address that it starts at; `align` in bytes."""

    name: str
    base: int = 0
    size: int = 0
    align: int = 8


@dataclass(eq=False)
class Item:
    """A piece of a section; stands at `line` and `column` (from 0) of the source."""

    section: Section
    line: int
    column: int
    address: int = field(init=False, default=0)
    size: int = field(init=False, default=0)

    is_code = False

    def measure(self, scope: Layout) -> int:
        """Its size in bytes at `scope.here`; may raise Problem while symbols are missing."""
        return self.size

    def emit(self, scope: Layout) -> bytes:
        """Its `size` bytes; Problem if it cannot be encoded."""
        return b""


@dataclass(eq=False)
class Label(Item):
    name: str

    def measure(self, scope: Layout) -> int:
        scope.symbols[self.name] = scope.here
        return 0


@dataclass(eq=False)
class Assignment(Item):
    """``.set``: the name has this value from here to its next ``.set``."""

    name: str
    node: Node

    def measure(self, scope: Layout) -> int:
        scope.symbols[self.name] = evaluate(self.node, scope)
        return 0

    def emit(self, scope: Layout) -> bytes:
        self.measure(scope)
        return b""


@dataclass(eq=False)
class Bytes(Item):
    data: bytes

    def measure(self, scope: Layout) -> int:
        return len(self.data)

    def emit(self, scope: Layout) -> bytes:
        return self.data


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
    """Padding up to a multiple of `to` bytes; nops in code unless `fill` is given."""

    to: int
    fill: int | None
    most: int | None
    code: bool

    def measure(self, scope: Layout) -> int:
        gap = -scope.here % self.to
        return gap if self.most is None or gap <= self.most else 0

    def emit(self, scope: Layout) -> bytes:
        if self.fill is not None or not self.code:
            return bytes([(self.fill or 0) & 0xFF]) * self.size
        half = SHORT_NOP if self.size & 2 else b""
        return b"\0" * (self.size & 1) + half + NOP * (self.size // 4)


@dataclass(eq=False)
class Space(Item):
    """`count` times `width` bytes of `fill`; as ``.org``, up to address `count`."""

    count: Node
    fill: Node
    width: int = 1
    until: bool = False

    def measure(self, scope: Layout) -> int:
        size = evaluate(self.count, scope) * self.width
        if self.until:  # a plain number counts from the section's start, as GNU as has it
            size -= scope.here - (0 if any(symbols(self.count)) else self.section.base)
        return min(max(size, 0), MAX_BYTES + 1)

    def emit(self, scope: Layout) -> bytes:
        value = evaluate(self.fill, scope) & (1 << 8 * self.width) - 1
        asked = evaluate(self.count, scope)
        if self.until and (asked if any(symbols(self.count)) else asked + self.section.base) < (
            scope.here
        ):
            raise Problem(f"cannot move back to {asked:#x}: the section is already at "
                          f"{scope.here - self.section.base:#x} from its start", self.count.column)  # fmt: skip
        if asked < 0:
            raise Problem(f"a count of {asked} bytes is negative", self.count.column)
        return value.to_bytes(self.width, "little") * (self.size // self.width)


@dataclass(eq=False)
class Operand:
    """A value for `field` of a row: a number, or an expression that the table calls `token`."""

    token: str
    field: str
    value: int | Node

    def resolve(self, row: Instruction, scope: Layout) -> int:
        """The field's value; Problem with the range that the row takes if it does not fit."""
        if isinstance(self.value, int):
            return self.value
        value = self._evaluate(self.value, scope)
        if self.token == "imm20":
            return self._upper(row, value, self.value.column)
        low, high, step = limits(row, self.field)
        if self.token == "target":
            value -= scope.here
        if low <= value <= high and value % step == 0:
            return value
        raise Problem(self._misfit(row, value, low, high, step), self.value.column)

    def _evaluate(self, node: Node, scope: Layout) -> int:
        try:
            return evaluate(node, scope)
        except UndefinedSymbol as error:
            if self.token != "csr":
                raise
            name = str(error.message).split("'")[1]
            raise Problem(f"unknown CSR '{name}'{suggest(name, csrnames.NUMBER)}",
                          error.column) from None  # fmt: skip

    def _upper(self, row: Instruction, value: int, column: int) -> int:
        _, high, _ = limits(row, self.field)
        signed = (value << 12 & 0xFFFFFFFF ^ 1 << 31) - (1 << 31)
        if 0 <= value <= 0xFFFFF and -high - (1 << 12) <= signed <= high:
            return signed
        takes = "0..0xfffff" if high > 1 << 20 else "1..0x1f or 0xfffe0..0xfffff"
        raise Problem(f"{value:#x} does not fit: {row.name} takes {takes}, the upper 20 bits of "
                      "a 32-bit value", column)  # fmt: skip

    def _misfit(self, row: Instruction, value: int, low: int, high: int, step: int) -> str:
        if self.token == "target":
            if value % step:
                return f"the target is {value} bytes away, an odd distance; instructions are even"
            mend = "use j" if row.name.startswith(("c.", "b")) else "use call or tail"
            if row.name.startswith("b"):
                mend = "branch the other way around a j"
            return (
                f"the target is {value} bytes away, {row.name} reaches {low}..{high}: {mend}"
            )
        steps = f" in steps of {step}" if step > 1 else ""
        mend = " (li loads any constant)" if row.name in ("addi", "addiw") else ""
        return f"{value} does not fit: {row.name} takes {low}..{high}{steps}{mend}"


@dataclass(eq=False)
class Code(Item):
    """One instruction; `short` if it may be compressed."""

    row: Instruction
    operands: list[Operand]
    short: bool

    is_code = True

    def values(self, scope: Layout) -> dict[str, int]:
        """The row's fields at `scope.here`."""
        found = {operand.field: operand.resolve(self.row, scope) for operand in self.operands}
        return dict.fromkeys(self.row.fields, 0) | found

    def measure(self, scope: Layout) -> int:
        if self.row.size == 2 or self.size == 4:
            return self.row.size  # one that grew stays long
        return 2 if self.short and self._squeezes(scope) else 4

    def _squeezes(self, scope: Layout) -> bool:
        nodes = [operand for operand in self.operands if not isinstance(operand.value, int)]
        for operand in nodes:
            labels = [scope.section_of.get(s.name, self.section) for s in symbols(operand.value)]
            far = any(section is not self.section for section in labels)
            if has_function(operand.value) or far or labels and operand.token != "target":
                return False
        try:
            return compress(self.row, self.values(scope)) is not None
        except UndefinedSymbol:
            return compress(self.row, self._near(scope)) is not None
        except Problem:
            return False

    def _near(self, scope: Layout) -> dict[str, int]:
        """The fields while the target is unknown: assume that it is near."""
        known = {o.field: o.value for o in self.operands if isinstance(o.value, int)}
        return dict.fromkeys(self.row.fields, 0) | known

    def emit(self, scope: Layout) -> bytes:
        if scope.here & 1:
            raise Problem("an instruction at an odd address; put .align 2 before it", self.column)
        values = self.values(scope)
        if self.size == 2 and self.row.size == 4:
            word = compress(self.row, values)
            assert word is not None, "what was measured short is short"
            return word.to_bytes(2, "little")
        try:
            word = encode(self.row, values)
        except ValueError as error:
            raise Problem(f"{error} (reserved encoding)", self.column) from None
        row = decode(word)
        if row is not self.row:
            what = row.name if row else "nothing"
            raise Problem(f"with these operands this is {what}, not {self.row.name}", self.column)
        return word.to_bytes(self.row.size, "little")


@dataclass(eq=False)
class LoadConstant(Item):
    """``li rd, expression``: as many instructions as the value needs."""

    register: int
    node: Node
    short: bool

    is_code = True

    def words(self, scope: Layout) -> list[bytes]:
        """The encoded steps."""
        out = []
        source = 0
        for name, immediate in load_constant(evaluate(self.node, scope)):
            row = BY_NAME[name]
            number = "uimm" if "uimm" in row.fields else "imm"
            if name == "lui":
                immediate = (immediate << 12 ^ 1 << 31) - (1 << 31)
            values = {"rd": self.register, "rs1": source, number: immediate}
            word = compress(row, values) if self.short else None
            out.append(
                encode(row, values).to_bytes(4, "little")
                if word is None
                else word.to_bytes(2, "little")
            )
            source = self.register
        return out

    def measure(self, scope: Layout) -> int:
        return max(self.size, sum(map(len, self.words(scope))))

    def emit(self, scope: Layout) -> bytes:
        if scope.here & 1:
            raise Problem("an instruction at an odd address; put .align 2 before it", self.column)
        code = b"".join(self.words(scope))
        spare = self.size - len(code)  # a label moved and made the value simpler
        return code + (SHORT_NOP if spare & 2 else b"") + NOP * (spare // 4)


class Layout:
    """Addresses of items and values of symbols; the scope in which expressions stand."""

    def __init__(self, sections: Iterable[Section], items: list[Item], origin: int):
        self.sections = list(sections)
        self.items = items
        self.origin = origin
        self.here = origin
        self.symbols: dict[str, int] = {}
        self.section_of = {i.name: i.section for i in items if isinstance(i, Label)}
        self.distances: dict[int, int] = {}

    def value(self, name: str, column: int) -> int:
        if name in self.symbols:
            return self.symbols[name]
        if "#" in name:
            raise UndefinedSymbol(f"no label {name.partition('#')[0]}: after this", column)
        known = [symbol for symbol in self.symbols if "#" not in symbol]
        raise UndefinedSymbol(f"undefined label '{name}'{suggest(name, known)}", column)

    def pcrel_distance(self, address: int, column: int) -> int:
        if address not in self.distances:
            raise Problem("%pcrel_lo takes the label of an auipc with %pcrel_hi", column)
        return self.distances[address]

    def settle(self) -> None:
        """Walks the items until no address, size or symbol changes."""
        for _ in range(_ROUNDS):
            before = dict(self.symbols)
            if not self._walk(self._measure) and before == self.symbols:
                return
        raise AssemblyError("the sizes of .space, .align or li never settle: one depends on itself")

    def _walk(self, visit: Callable[[Item], bool]) -> bool:
        """Visits the items in order of the source, then places the sections; whether any moved."""
        for section in self.sections:
            section.size = 0
        moved = False
        for item in self.items:
            self.here = item.section.base + item.section.size
            moved |= visit(item)
            item.section.size += item.size
        base = self.origin
        for section in self.sections:
            base += -base % section.align if section.size and base != self.origin else 0
            moved |= section.base != base
            section.base = base
            base += section.size
        return moved

    def _measure(self, item: Item) -> bool:
        try:
            size = item.measure(self)
        except Problem:
            size = item.size  # a symbol is missing still; if for good, emit says so
        moved = (item.address, item.size) != (self.here, size)
        item.address, item.size = self.here, size
        return moved

    def emit(self) -> bytes:
        """The bytes from the origin to the end of the last section."""
        self._note_distances()
        end = max(section.base + section.size for section in self.sections)
        if end - self.origin > MAX_BYTES:
            raise AssemblyError(f"the program takes {end - self.origin} bytes, more than "
                                f"{MAX_BYTES}; look for a large .space or .org")  # fmt: skip
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
        assert len(data) == item.size, f"{item} is {len(data)} bytes"
        return data

    def _note_distances(self) -> None:
        for item in self.items:
            nodes = [o.value for o in item.operands] if isinstance(item, Code) else []
            for node in nodes:
                if isinstance(node, Operation) and node.operator == "%pcrel_hi":
                    self.here = item.address
                    try:
                        target = evaluate(node.arguments[0], self)
                    except Problem:
                        continue  # emit reports it at its place
                    self.distances[item.address] = target - item.address


def suggest(name: str, known: Iterable[str]) -> str:
    """``, did you mean ...?`` with the names nearest to `name`, empty if none is near."""
    near = difflib.get_close_matches(name, list(known), 3, 0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""
