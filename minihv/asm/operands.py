"""Operands of the encoding table: register names, encoding, and what compressed rows stand for.

`values` is everywhere a dict from the table's field names (``rd``, ``imm``, ``uimm``, ``csr``, ...)
to integers: register numbers 0..31, immediates in bytes with their sign.

Source: RISC-V Unprivileged ISA 20240411, chapter 26 (C); register names of the RISC-V psABI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from minihv.hw.isa import BY_NAME, INSTRUCTIONS, Instruction

REGISTERS = tuple(
    "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 "
    "a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6".split()
)
REGISTER_NUMBER: dict[str, int] = {name: number for number, name in enumerate(REGISTERS)}
REGISTER_NUMBER |= {f"x{number}": number for number in range(32)} | {"fp": 8}

FIELD_OF_TOKEN = {"imm20": "imm", "target": "imm"}
# Only fields that an operand can be a register in; the rest are numbers.
REGISTER_FIELDS = frozenset(("rd", "rs1", "rs2", "rs3", "rd'", "rs1'", "rs2'"))
FENCE_LETTERS = "iorw"


def fence_set(bits: int) -> str:
    """Return the accesses that a fence orders, from its 4 bits: 0b0011 is ``rw``, 0 is ``0``."""
    return "".join(c for i, c in enumerate(FENCE_LETTERS) if bits >> 3 - i & 1) or "0"


def fence_bits(text: str) -> int | None:
    """Return the 4 bits of a fence's set such as ``rw`` or ``0``; None if `text` is no such set."""
    if text == "0":
        return 0
    known = text and set(text) <= set(FENCE_LETTERS) and len(set(text)) == len(text)
    return sum(8 >> FENCE_LETTERS.index(letter) for letter in text) if known else None


def split_token(token: str) -> tuple[str, ...]:
    """Return the fields in an operand of a row's syntax: ``imm(rs1)`` is imm and rs1."""
    outer, paren, inner = token.partition("(")
    return tuple(part for part in (outer, inner.rstrip(")")) if part) if paren else (token,)


@cache
def operand_fields(row: Instruction) -> tuple[str, ...]:
    """Return the row's fields in the order of its operands; ``sp`` is one, too."""
    parts = (part for token in row.syntax for part in split_token(token))
    return tuple(FIELD_OF_TOKEN.get(part, part) for part in parts)


@cache
def hidden_fields(row: Instruction) -> tuple[str, ...]:
    """Return fields that the row's syntax does not show (fence's fm, ...), aq and rl apart."""
    return tuple(f for f in row.fields if f not in (*operand_fields(row), "aq", "rl"))


def limits(row: Instruction, field: str) -> range:
    """Return the values that an immediate `field` can hold."""
    step = 1 << min(piece.target for piece in row.fields[field])
    top = 1 << max(piece.target + piece.width for piece in row.fields[field])
    return range(-top // 2, top // 2, step) if field == "imm" else range(0, top, step)


def extract_all(row: Instruction, word: int) -> dict[str, int]:
    """Return every field of `word`, which must encode `row`."""
    return {name: row.extract(word, name) for name in row.fields}


def encode(row: Instruction, values: Mapping[str, int]) -> int:
    """Return the word of `row` with these fields (else 0); ValueError if one does not fit."""
    word = row.match
    for name in row.fields:
        word |= row.insert(name, values.get(name, 8 if name.endswith("'") else 0))
    for name, bad in row.excluded.items():
        if row.extract(word, name) == bad:
            raise ValueError(f"{name} = {bad} is not {row.name}")
    return word


def expand(row: Instruction, word: int) -> tuple[Instruction, dict[str, int]]:
    """Return the 32-bit instruction that a compressed `word` stands for, and its fields."""
    base = BY_NAME[row.base]
    values = dict.fromkeys(base.fields, 0)
    for field, operand in zip(operand_fields(base), row.base_operands, strict=True):
        values[field] = row.extract(word, operand) if operand in row.fields else _number(operand)
    return base, values


def _number(operand: str) -> int:
    return REGISTER_NUMBER[operand] if operand in REGISTER_NUMBER else int(operand)


@cache
def _compressed_forms(name: str) -> tuple[Instruction, ...]:
    return tuple(row for row in INSTRUCTIONS if row.base == name)


_COMMUTATIVE = frozenset(("add", "addw", "and", "or", "xor", "beq", "bne"))


def _equals(row: Instruction, values: dict[str, int]) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield instructions with the same effect, of which one may have a shorter form."""
    yield row.name, values
    if row.name in _COMMUTATIVE:  # beq and bne have no rd, but care as little for the order
        yield row.name, values | {"rs1": values["rs2"], "rs2": values["rs1"]}
    if row.name == "addi" and values["imm"] == 0 and values["rs1"]:
        yield "add", {"rd": values["rd"], "rs1": 0, "rs2": values["rs1"]}
    if row.name == "addiw" and values["rs1"] == 0:
        yield "addi", values


def compress(row: Instruction, values: dict[str, int]) -> int | None:
    """Return the 16-bit word with the effect of `row`, None if there is none; never a HINT."""
    for name, same in _equals(row, values):
        for short in _compressed_forms(name):
            if (word := _squeeze(short, BY_NAME[name], same)) is not None:
                return word
    return None


def _squeeze(short: Instruction, base: Instruction, values: dict[str, int]) -> int | None:
    fields: dict[str, int] = {}
    for field, operand in zip(operand_fields(base), short.base_operands, strict=True):
        wanted = values[field]
        if operand not in short.fields:
            if _number(operand) != wanted:
                return None
        elif fields.setdefault(operand, wanted) != wanted:
            return None
    if is_hint(short, fields):
        return None
    try:
        return encode(short, fields)
    except ValueError:
        return None


def is_hint(row: Instruction, values: Mapping[str, int]) -> bool:
    """Return whether a compressed row with these fields only wastes time (section 26.7, HINTs)."""
    if row.name == "c.nop":
        return values["imm"] != 0
    if values.get("rd") == 0:
        return True
    shift = row.name in ("c.slli", "c.srli", "c.srai") and values["uimm"] == 0
    return shift or row.name == "c.addi" and values["imm"] == 0
