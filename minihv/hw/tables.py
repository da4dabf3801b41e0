"""Lookup tables of the decoder, made from the encoding table.

Each table exists as a memoryview (what plain Python reads fastest) under its own name, and as the
NumPy array behind it in `ARRAYS` (what the compiled engine freezes into its code).
"""

from __future__ import annotations

import numpy as np

from minihv.hw.isa import INSTRUCTIONS, Instruction
from minihv.hw.ops import OP_BY_NAME, OP_LOADS_RAW, OP_SHORT
from minihv.hw.semantics import LOAD, STORE

# --- decoding -----------------------------------------------------------------------------------
# Candidates of a word are the rows from FIRST[key] to FIRST[key + 1], key = opcode (7 bits) of a
# 32-bit word, or 128 + quadrant | funct3 << 2 of a 16-bit one.

ROLES = {"rd": 0, "rs1": 1, "rs2": 2, "imm": 3}
PIECES = 16  # (role, source, width, target) at most, four slots each
_ROLE_OF = {"rd": 0, "rd'": 0, "rs1": 1, "rs1'": 1, "rs2": 2, "rs2'": 2, "imm": 3, "uimm": 3}


def _registers(row: Instruction) -> list[tuple[int, str]]:
    """(role, operand) of the base instruction for every operand that the engine needs."""
    if not row.base:
        return [(_ROLE_OF[f], f) for f in row.fields if f in _ROLE_OF]
    base = next(r for r in INSTRUCTIONS if r.name == row.base)
    syntax = [part for text in base.syntax for part in text.rstrip(")").split("(")]
    roles = {"imm20": 3, "target": 3, **_ROLE_OF}
    return [(roles[role], operand) for role, operand in zip(syntax, row.base_operands, strict=True)]


def _row(row: Instruction) -> tuple[list[int], list[int]]:
    """A row of ROWS (match, mask, op, access, excluded...) and its pieces."""
    name = row.base or row.name
    op = OP_BY_NAME[name]
    if row.size == 2 and name in OP_SHORT:
        op = OP_SHORT[name]
    constants = [0, 0, 0, 0]
    pieces: list[int] = []
    signed = 0
    if op not in OP_LOADS_RAW:
        for role, operand in _registers(row):
            if operand in row.fields:
                if operand.endswith("'"):
                    constants[role] = 8
                for p in row.fields[operand]:
                    pieces += [role, p.source, p.width, p.target]
                if operand == "imm":
                    signed = max(p.target + p.width for p in row.fields[operand])
            else:
                constants[role] = int(operand.lstrip("x"))
    excluded_mask = 0
    for field_name in row.excluded:
        for p in row.fields[field_name]:
            excluded_mask |= (1 << p.width) - 1 << p.source
    access = 0  # funct3 of a load, or of a store with bit 3 set
    if name in LOAD or name in STORE:
        access = LOAD[name] if name in LOAD else 8 | STORE[name]
    counted = [excluded_mask, signed, len(pieces) // 4]
    head = [row.match, row.mask, op, access, *counted, *constants]
    return head, pieces


def _decode_tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    heads, tails, first = [], [], [0]
    for key in range(160):
        size = 4 if key < 128 else 2
        low = 0x7F if size == 4 else 0xE003
        bits = key if size == 4 else (key & 3) | (key >> 2 & 7) << 13
        for row in INSTRUCTIONS:
            if row.size == size and (bits ^ row.match) & row.mask & low == 0:
                head, pieces = _row(row)
                heads.append(head)
                tails.append(pieces + [0] * (4 * PIECES - len(pieces)))
        first.append(len(heads))
    return (
        np.array(first, dtype=np.int64),
        np.array(heads, dtype=np.int64).reshape(-1),
        np.array(tails, dtype=np.int64).reshape(-1),
    )


HEAD = 11  # slots of a row of ROWS
_first, _heads, _pieces = _decode_tables()

ARRAYS = {
    "FIRST": _first,
    "ROWS": _heads,
    "ROW_PIECES": _pieces,
}
FIRST = memoryview(_first)
ROWS = memoryview(_heads)
ROW_PIECES = memoryview(_pieces)
