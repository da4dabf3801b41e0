"""The disassembler: words to text, by the encoding table and the pseudo-instructions' table.

Text follows GNU objdump: ABI register names, pseudo-instructions, compressed instructions shown
as what they stand for, jump targets as addresses. A word that no row of the table encodes becomes
``.word`` or ``.half``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from minihv.asm.operands import (
    REGISTER_FIELDS,
    REGISTER_NUMBER,
    REGISTERS,
    expand,
    extract_all,
    fence_bits,
    fence_set,
    hidden_fields,
    operand_fields,
    split_token,
)
from minihv.asm.pseudo import PSEUDOS, Pseudo
from minihv.hw import registers
from minihv.hw.bits import MASK64
from minihv.hw.isa import Instruction, decode, length


class Line(NamedTuple):
    """One instruction of a listing: its address, its word (`size` bytes) and its text."""

    pc: int
    word: int
    size: int
    text: str


def disassemble(word: int, pc: int = 0, *, aliases: bool = True) -> str:
    """Return the text of the instruction `word` at address `pc`.

    A compressed instruction is its low 16 bits. With `aliases` the text
    uses pseudo-instructions, without it the table's names (``c.addi``, ``jalr``, ...).
    """
    size = length(word)
    word &= (1 << 8 * size) - 1
    row = decode(word)
    if row is None:
        return f".half {word:#06x}" if size == 2 else f".word {word:#010x}"
    if not aliases:
        return _plain(row, extract_all(row, word), pc)
    base, values = expand(row, word) if row.base else (row, extract_all(row, word))
    if row.name == "c.mv":  # add rd, x0, rs2 is shown as mv only if it is compressed
        return _join("mv", [REGISTERS[values["rd"]], REGISTERS[values["rs2"]]])
    return _alias(base, values, pc) or _plain(base, values, pc)


def disassemble_range(
    data: bytes, pc: int, symbols: Mapping[str, int] | None = None
) -> Iterator[Line]:
    """Yield every instruction of `data`, which is at address `pc`.

    With `symbols` (labels to addresses) the target of a jump, a branch or a pair of auipc and
    addi, jalr, load or store is named: ``<name>`` or ``<name+offset>``. An instruction that the
    end cuts off becomes ``.half``, a last odd byte ``.byte``.
    """
    names = _Names(symbols or {})
    at = 0
    while at + 1 < len(data):
        low = int.from_bytes(data[at : at + 2], "little")
        size = length(low)
        word = int.from_bytes(data[at : at + size], "little")
        if at + size > len(data):
            yield Line(pc + at, low, 2, f".half {low:#06x}")
            size = 2
        else:
            text = disassemble(word, pc + at)
            yield Line(pc + at, word, size, text + names.comment(word, pc + at))
        at += size
    if at < len(data):
        yield Line(pc + at, data[at], 1, f".byte {data[at]:#04x}")


class _Names:
    """Names the places that instructions refer to."""

    def __init__(self, symbols: Mapping[str, int]):
        self.sorted = sorted((address, name) for name, address in symbols.items())
        self.upper: tuple[int, int] | None = None  # the last instruction's rd and value, if auipc

    def comment(self, word: int, pc: int) -> str:
        """Return `` <name+offset>`` if `word` refers to a place at or after a symbol."""
        target = branch_target(word, pc)
        if target is None:
            target = self._pair(word, pc)
        if target is None:
            return ""
        after = bisect_right(self.sorted, target, key=lambda symbol: symbol[0])
        if not after:
            return ""
        address, name = self.sorted[after - 1]
        return f" <{name}>" if address == target else f" <{name}+{target - address:#x}>"

    def _pair(self, word: int, pc: int) -> int | None:
        """Return the address that an auipc and the instruction after it make up."""
        row, upper = decode(word), self.upper
        self.upper = None
        if row is None or row.size == 2:
            return None
        values = extract_all(row, word)
        if row.name == "auipc":
            self.upper = values["rd"], pc + values["imm"]
        follows = row.name == "addi" or "imm(rs1)" in row.syntax
        if upper is None or not follows or values["rs1"] != upper[0]:
            return None
        return upper[1] + values["imm"] & MASK64


def branch_target(word: int, pc: int) -> int | None:
    """Return where a jump or branch with an immediate goes to; None for other words."""
    row = decode(word)
    if row is None or "target" not in row.syntax:
        return None
    return pc + row.extract(word, "imm") & MASK64


def _plain(row: Instruction, values: Mapping[str, int], pc: int) -> str:
    """Return the row's own syntax, with ``.aq`` and ``.rl`` after an atomic's name."""
    order = ("aq" if values.get("aq") else "") + ("rl" if values.get("rl") else "")
    operands = [_operand(token, values, pc) for token in row.syntax]
    if row.name == "c.nop" and values["imm"] == 0:
        operands = []
    return _join(f"{row.name}.{order}" if order else row.name, operands)


def _join(name: str, operands: list[str]) -> str:
    return f"{name} {', '.join(operands)}" if operands else name


def _operand(token: str, values: Mapping[str, int], pc: int) -> str:
    """Return one operand as text; `token` is the table's: ``rd``, ``imm(rs1)``, ``target``."""
    if "(" in token:
        *offset, base = (_operand(part, values, pc) for part in split_token(token))
        return f"{''.join(offset)}({base})"
    match token:
        case "target":
            return f"{pc + values['imm'] & MASK64:#x}"
        case "imm20":
            return f"{values['imm'] >> 12 & 0xFFFFF:#x}"
        case "csr":
            return registers.NAME.get(values["csr"], f"{values['csr']:#x}")
        case "pred" | "succ":
            return fence_set(values[token])
        case "sp":
            return "sp"
    return REGISTERS[values[token]] if token in REGISTER_FIELDS else str(values[token])


class _Alias(NamedTuple):
    """A pseudo-instruction: what a row's fields must be, constants or its operands' names."""

    pseudo: Pseudo
    fields: dict[str, str]


@cache
def _aliases(row: Instruction) -> list[_Alias]:
    found = []
    for pseudo in PSEUDOS:
        ((name, operands), *_) = pseudo.steps
        if pseudo.shown and name == row.name:
            texts = [part for text in operands if "=" not in text for part in split_token(text)]
            fields = dict.fromkeys(hidden_fields(row), "0")
            fields |= zip(operand_fields(row), texts, strict=True)
            fixed = (text.partition("=") for text in operands if "=" in text)  # fm=8
            fields |= {field: number for field, _, number in fixed}
            found.append(_Alias(pseudo, fields))
    return found


def _alias(row: Instruction, values: Mapping[str, int], pc: int) -> str | None:
    """Return the first pseudo-instruction that means the same, as text."""
    parts = (part for token in row.syntax for part in split_token(token))
    tokens = dict(zip(operand_fields(row), parts, strict=True))
    for alias in _aliases(row):
        shown: dict[str, str] = {}
        for field, text in alias.fields.items():
            constant = _constant(text)
            if constant is None:
                shown[text] = _operand(tokens[field], values, pc)
            elif values[field] != constant:
                break
        else:
            return _join(alias.pseudo.name, [shown[name] for name in alias.pseudo.operands])
    return None


def _constant(operand: str) -> int | None:
    """Return the value of a fixed operand (register, number, CSR, fence set), else None."""
    if operand in REGISTER_NUMBER:
        return REGISTER_NUMBER[operand]
    if operand in registers.NUMBER:
        return registers.NUMBER[operand]
    try:
        return int(operand)
    except ValueError:
        return fence_bits(operand)
