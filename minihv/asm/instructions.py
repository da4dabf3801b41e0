"""The assembler's items that are one instruction: a row of the encoding table.

As with other items, operands may be expressions until the layout has placed everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from minihv.asm.expressions import (
    Node,
    Problem,
    UndefinedSymbol,
    evaluate,
    has_function,
    suggest,
    symbols,
)
from minihv.asm.items import Item
from minihv.asm.operands import FIELD_OF_TOKEN, compress, encode, limits
from minihv.hw import registers
from minihv.hw.bits import i32
from minihv.hw.isa import Instruction, decode

if TYPE_CHECKING:
    from minihv.asm.layout import Layout


@dataclass(eq=False)
class Operand:
    """A number or an expression for what the table calls `token`."""

    token: str
    value: int | Node

    @property
    def field(self) -> str:
        """Return the field of the row that it belongs to."""
        return FIELD_OF_TOKEN.get(self.token, self.token)

    def resolve(self, row: Instruction, scope: Layout) -> int:
        """Return the field's value; Problem that names the row's range if it does not fit."""
        if isinstance(self.value, int):
            return self.value
        value = self._evaluate(self.value, scope)
        if self.token == "target":
            value -= scope.here
        held = i32(value << 12) if self.token == "imm20" else value
        if held not in limits(row, self.field) or self.token == "imm20" and value >> 20:
            raise Problem(self._misfit(row, value, limits(row, self.field)), self.value.column)
        return held

    def _evaluate(self, node: Node, scope: Layout) -> int:
        try:
            return evaluate(node, scope)
        except UndefinedSymbol as error:
            if self.token != "csr":
                raise
            near = suggest(error.name, registers.NUMBER)
            raise Problem(f"unknown CSR '{error.name}'{near}", error.column) from None

    def _misfit(self, row: Instruction, value: int, taken: range) -> str:
        if self.token == "imm20":
            takes = "0..0xfffff" if taken[-1] > 1 << 20 else "1..0x1f or 0xfffe0..0xfffff"
            return f"{value:#x} does not fit: {row.name} takes bits 31..12 of the value, {takes}"
        low, high, step = taken[0], taken[-1], taken.step
        if self.token == "target" and value % step:
            return f"the target is {value} bytes away: an odd distance, but instructions are even"
        if self.token == "target":
            mend = "use call or tail" if row.name == "jal" else "branch the other way around a j"
            return f"the target is {value} bytes away, {row.name} reaches {low}..{high}: {mend}"
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
        """Return the row's fields at `scope.here`."""
        found = {operand.field: operand.resolve(self.row, scope) for operand in self.operands}
        return dict.fromkeys(self.row.fields, 0) | found

    def measure(self, scope: Layout) -> int:
        if self.row.size == 2 or self.size == 4:
            return self.row.size  # one that grew stays long, so that the layout settles
        return 2 if self.short and self._squeezes(scope) else 4

    def _squeezes(self, scope: Layout) -> bool:
        """Return whether there is a short form, and whether it would stay one: see `layout`."""
        for operand in self.operands:
            if isinstance(operand.value, int):
                continue
            names = [symbol.name for symbol in symbols(operand.value)]
            labels = [scope.labels[name] for name in names if name in scope.labels]
            moves = operand.token != "target" and (labels or "." in names)
            far = any(label.section is not self.section for label in labels)
            if moves or far or has_function(operand.value):
                return False
        try:
            return compress(self.row, self.values(scope)) is not None
        except UndefinedSymbol:  # a target further down: assume it is near
            known = {o.field: o.value for o in self.operands if isinstance(o.value, int)}
            return compress(self.row, dict.fromkeys(self.row.fields, 0) | known) is not None
        except Problem:
            return False

    def emit(self, scope: Layout) -> bytes:
        check_even(self, scope)
        values = self.values(scope)
        if self.size == 2 and self.row.size == 4:
            word = compress(self.row, values)
            assert word is not None, "what was measured short is short"
            return word.to_bytes(2, "little")
        try:
            word = encode(self.row, values)
        except ValueError as error:
            raise Problem(f"{error}: that encoding is reserved", self.column) from None
        row = decode(word)
        if row is not self.row:
            what = row.name if row else "nothing"
            raise Problem(f"with these operands this is {what}, not {self.row.name}", self.column)
        return word.to_bytes(self.row.size, "little")


def check_even(item: Item, scope: Layout) -> None:
    """Raise Problem if an instruction would be at an odd address."""
    if scope.here & 1:
        raise Problem("an instruction at an odd address; put .align 2 before it", item.column)
