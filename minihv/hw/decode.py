"""Decoding into the run loop's form: one int64 per instruction, made once and kept.

      63                             32 31 29 28 27  25 24 23  19 18  14 13   8 7         0
     +---------------------------------+-----+--+------+--+------+------+------+-----------+
     |  imm, or the instruction's word | 0,cv|st|funct3|16| rs2  | rs1  |  rd  | operation |
     +---------------------------------+-----+--+------+--+------+------+------+-----------+
       32                                3    1    3    1    5      5      6         8

`operation` is a number of `ops`; `rd` is SINK instead of x0; `16` is set for an instruction of 16
bits, `cv` once it is part of a region; `st` and `funct3` say how a load or store accesses memory. A
system, atomic or illegal instruction keeps its own word in place of the immediate; a near branch
counts its in halfwords.
"""

from minihv.hw.bits import i64, sll
from minihv.hw.ops import ATOMIC, FIRST_BRANCH, ILLEGAL_OP, JAL, LAST_BRANCH, SYSTEM, J
from minihv.hw.state import SINK
from minihv.hw.tables import BASE, FIRST, MASK, MATCH, NEEDED, PIECE, SIGNED, SOURCE, TARGET, WIDTH

EBREAK = 0x00100073
SHORT = 1 << 24
STORES = 1 << 28
COVERED = 1 << 29  # set later: the instruction is part of a region
STRADDLES = 1 << 30  # in place of a word: an instruction that goes on in another page begins here


def find_row(word):
    """Return the number of the row that `word` (unsigned) encodes, or -1."""
    key = word & 0x7F if word & 3 == 3 else 128 + (word & 3 | (word >> 13 & 7) << 2)
    for row in range(FIRST[key], FIRST[key + 1]):
        if word & MASK[row] == MATCH[row] and (NEEDED[row] == 0 or word & NEEDED[row] != 0):
            return row
    return -1


def decode(word, slot):
    """Return the decoded form of `word` (unsigned; a compressed instruction is its low half).

    `slot` is the instruction's place in its page in halfwords, or -1 if it runs from the scratch
    page, where no branch may be near.
    """
    short = word & 3 != 3
    if short:
        word &= 0xFFFF
    row = find_row(word)
    if row < 0:
        return i64(ILLEGAL_OP | sll(word, 32) | (SHORT if short else 0))
    w = BASE[row]
    op = w & 255
    if op == SYSTEM or op == ATOMIC:
        return i64(w | sll(EBREAK if short else word, 32))
    for k in range(PIECE[row], PIECE[row + 1]):
        w |= sll(word >> SOURCE[k] & (1 << WIDTH[k]) - 1, TARGET[k])
    imm = w >> 32 & 0xFFFFFFFF
    if SIGNED[row] > 0:
        imm -= (imm >> SIGNED[row] - 1 & 1) << SIGNED[row]
    rd = w >> 8 & 63
    if op == JAL and rd == 0:
        op = J
    if FIRST_BRANCH <= op and op <= LAST_BRANCH:
        target = slot + (imm >> 1)
        if slot < 0 or target < 0 or target >= 2048:
            op += 1  # far
        else:
            imm >>= 1
    rd = SINK if rd == 0 else rd
    return i64(w & 0xFFFFC000 | rd << 8 | op | sll(imm, 32))
