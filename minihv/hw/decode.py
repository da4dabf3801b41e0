"""Decoding into the run loop's form: one int64 per instruction, made once and kept.

bits 0-7 the operation (`ops`), 8-13 rd (SINK for x0), 14-18 rs1, 19-23 rs2, 24 set where the
instruction has 16 bits, 25-28 a load's or store's funct3 and whether it stores, 32-63 the
immediate. A system, atomic or illegal instruction keeps its
own word in place of the immediate.
"""

from minihv.hw.bits import i64, sll
from minihv.hw.ops import (
    ATOMIC,
    FIRST_BRANCH,
    ILLEGAL_OP,
    JAL,
    LAST_BRANCH,
    SYSTEM,
    J,
)
from minihv.hw.state import SINK
from minihv.hw.tables import FIRST, HEAD, PIECES, ROW_PIECES, ROWS

EBREAK = 0x00100073
SHORT = 1 << 24
STORES = 1 << 28


def find_row(word):
    """The number of the row of ROWS that `word` (unsigned) encodes, or -1."""
    key = word & 0x7F if word & 3 == 3 else 128 + (word & 3 | (word >> 13 & 7) << 2)
    for row in range(FIRST[key], FIRST[key + 1]):
        h = row * HEAD
        if word & ROWS[h + 1] == ROWS[h] and (ROWS[h + 4] == 0 or word & ROWS[h + 4] != 0):
            return row
    return -1


def decode(word, slot):
    """The decoded form of `word` (unsigned; only its low half counts where that is compressed).

    `slot` is the instruction's place in its page in halfwords, or -1 where it runs from the
    scratch page and no branch may be near.
    """
    short = word & 3 != 3
    if short:
        word &= 0xFFFF
    row = find_row(word)
    if row < 0:
        return i64(ILLEGAL_OP | sll(word, 32) | (SHORT if short else 0))
    h = row * HEAD
    op = ROWS[h + 2]
    if op == SYSTEM or op == ATOMIC:
        return i64(op | sll(EBREAK if short else word, 32) | (SHORT if short else 0))
    rd = ROWS[h + 7]
    rs1 = ROWS[h + 8]
    rs2 = ROWS[h + 9]
    imm = ROWS[h + 10]
    for k in range(ROWS[h + 6]):
        p = (row * PIECES + k) * 4
        bits = (word >> ROW_PIECES[p + 1] & (1 << ROW_PIECES[p + 2]) - 1) << ROW_PIECES[p + 3]
        role = ROW_PIECES[p]
        if role == 0:
            rd += bits
        elif role == 1:
            rs1 += bits
        elif role == 2:
            rs2 += bits
        else:
            imm += bits
    top = ROWS[h + 5]
    if top > 0:
        imm -= (imm >> top - 1 & 1) << top
    if op == JAL and rd == 0:
        op = J
    if FIRST_BRANCH <= op and op <= LAST_BRANCH:
        target = slot + (imm >> 1)
        if slot < 0 or target < 0 or target >= 2048:
            op += 1  # far
        else:
            imm >>= 1
    rd = SINK if rd == 0 else rd
    flags = ROWS[h + 3] << 25 | (SHORT if short else 0)
    return i64(op | rd << 8 | rs1 << 14 | rs2 << 19 | flags | sll(imm, 32))


