"""li: the instructions that load a constant, as few as the usual assemblers need.

The recipe is that of LLVM's RISCVMatInt, so that programs come out byte for byte as clang's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from minihv.asm.expressions import Node, evaluate, high20, low12
from minihv.asm.instructions import check_even
from minihv.asm.items import Item, nops
from minihv.asm.operands import compress, encode
from minihv.hw.bits import i64
from minihv.hw.isa import BY_NAME

if TYPE_CHECKING:
    from minihv.asm.layout import Layout

Steps = list[tuple[str, int]]  # of mnemonic and immediate


def load_constant(value: int) -> Steps:
    """Return the shortest usual steps that load a signed 64-bit `value`.

    The first step is ``lui rd`` or ``addi rd, x0``, the others are ``op rd, rd``. lui's immediate
    is the 20-bit operand. At most 8 steps.
    """
    best = _chain(value)
    shift = (value & -value).bit_length() - 1
    if value & 0xFFF and shift > 0 and len(best) >= 2:
        odd = value >> shift
        short = _chain(odd)
        if len(short) + 1 < len(best) or -32 <= odd < 32:
            best = [*short, ("slli", shift)]
    if len(best) <= 2:
        return best
    rest = (value & 0xFFF) - 0x800
    if value & 0x1800 == 0x1000 and value & 0xFFF:
        best = min(best, [*_chain(value - rest), ("addi", rest)], key=len)
    if value > 0:
        best = min(best, *_shifted(value), key=len)
    elif len(best) > 3:
        best = min(best, [*min(_shifted(~value), key=len), ("xori", -1)], key=len)
    return best


def _fits(value: int, bits: int) -> bool:
    return -(1 << bits - 1) <= value < 1 << bits - 1


def _chain(value: int) -> Steps:
    """Return the plain recipe: lui and addi for 32 bits; above that shift up, and add 12 more."""
    low = low12(value)
    if _fits(value, 32):
        high = high20(value)
        steps = [("lui", high)] if high else []
        if low or not high:
            # addiw only if lui's result and the rest would leave the 32-bit range
            steps.append(("addiw" if high == 0x80000 and low < 0 <= value else "addi", low))
        return steps
    rest = i64(value - low)
    shift = 0
    if not _fits(rest, 32):
        shift = (rest & -rest).bit_length() - 1
        rest = rest >> shift
        if shift > 12 and not _fits(rest, 12) and _fits(rest << 12, 32):
            rest, shift = rest << 12, shift - 12  # lui clears 12 bits for nothing
    steps = _chain(rest) + ([("slli", shift)] if shift else [])
    return steps + ([("addi", low)] if low else [])


def _shifted(value: int) -> list[Steps]:
    """Return two ways to load a positive `value`: at the top, above 1s or 0s, and shifted down."""
    zeros = 64 - value.bit_length()
    top = (value << zeros) - (1 << 64)
    return [[*_chain(low), ("srli", zeros)] for low in (top | (1 << zeros) - 1, top)]


@dataclass(eq=False)
class LoadConstant(Item):
    """``li rd, expression``: as many instructions as the value needs."""

    register: int
    node: Node
    short: bool

    is_code = True

    def words(self, scope: Layout) -> list[bytes]:
        """Return the encoded steps."""
        out = []
        source = 0
        for name, immediate in load_constant(evaluate(self.node, scope)):
            row = BY_NAME[name]
            if name == "lui":
                immediate = (immediate << 12 ^ 1 << 31) - (1 << 31)
            number = "uimm" if "uimm" in row.fields else "imm"
            values = {"rd": self.register, "rs1": source, number: immediate}
            word = compress(row, values) if self.short else None
            size = 4 if word is None else 2
            out.append((encode(row, values) if word is None else word).to_bytes(size, "little"))
            source = self.register
        return out

    def measure(self, scope: Layout) -> int:
        return max(self.size, sum(map(len, self.words(scope))))

    def emit(self, scope: Layout) -> bytes:
        check_even(self, scope)
        code = b"".join(self.words(scope))
        return code + nops(self.size - len(code))  # spare if a moved label made it simpler
