"""Lookup tables of the decoder, made from the encoding table.

Each table exists as a memoryview (what plain Python reads fastest) under its own name, and as the
NumPy array under it in `ARRAYS` (what the compiled engine freezes into its code).
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from minihv.hw.isa import BY_NAME, Instruction, Piece, candidates
from minihv.hw.ops import OP_BY_NAME, OP_LOADS_RAW, OP_SHORT
from minihv.hw.semantics import MEANING

# --- decoding -----------------------------------------------------------------------------------
# Candidates of a word are the rows from FIRST[key] to FIRST[key + 1], key = opcode (7 bits) of a
# 32-bit word, or 128 + quadrant | funct3 << 2 of a 16-bit one.

_AT = {"rd": 8, "rs1": 14, "rs2": 19, "imm": 32, "uimm": 32, "imm20": 32, "target": 32}


class Row(NamedTuple):
    """An instruction as the decoder sees it; each field is a column, and a table of that name."""

    match: int
    mask: int
    needed: int  # unless 0: one of these bits must be set
    base: int  # the decoded form, but for the pieces of the word that go into it
    signed: int  # bits of a sign-extended immediate, else 0
    piece: int  # the first of its pieces, which end where those of the next row begin


def _operands(row: Instruction) -> list[tuple[int, str]]:
    """Return where in the decoded form each field or constant of a row belongs."""
    if not row.base:
        return [(_AT[name], name) for name in row.fields if name in _AT]
    syntax = re.findall(r"\w+", " ".join(BY_NAME[row.base].syntax))
    return [(_AT[token], text) for token, text in zip(syntax, row.base_operands, strict=True)]


def _row(row: Instruction, pieces: list[Piece]) -> Row:
    """Return the row of an instruction, and append its pieces."""
    name, first = row.base or row.name, len(pieces)
    op, signed = OP_BY_NAME[name], 0
    base = MEANING[name].access << 25
    if row.size == 2:
        op, base = OP_SHORT.get(name, op), base | 1 << 24
    for at, text in _operands(row) if op not in OP_LOADS_RAW else []:
        if text not in row.fields:
            base |= int(text.lstrip("x")) << at
            continue
        base |= 8 << at if text.endswith("'") else 0
        pieces += [piece._replace(target=piece.target + at) for piece in row.fields[text]]
        if text == "imm":
            signed = max(piece.target + piece.width for piece in row.fields[text])
    excluded = (piece for name in row.excluded for piece in row.fields[name])
    needed = sum((1 << piece.width) - 1 << piece.source for piece in excluded)
    return Row(row.match, row.mask, needed, op | base, signed, first)


def _decoding() -> dict[str, np.ndarray]:
    first, rows, pieces = [0], list[Row](), list[Piece]()
    for key in range(160):
        bits, size = (key, 4) if key < 128 else ((key & 3) | (key >> 2 & 7) << 13, 2)
        rows += [_row(row, pieces) for row in candidates(bits, size)]
        first.append(len(rows))
    rows.append(Row(0, 0, 0, 0, 0, len(pieces)))
    names = ("first", *Row._fields, *Piece._fields)
    columns = (first, *zip(*rows, strict=True), *zip(*pieces, strict=True))
    named = zip(names, columns, strict=True)
    return {name.upper(): np.array(column, np.int64) for name, column in named}


ARRAYS = _decoding()
FIRST, MATCH, MASK, NEEDED, BASE, SIGNED, PIECE, SOURCE, WIDTH, TARGET = (
    memoryview(array) for array in ARRAYS.values()
)
