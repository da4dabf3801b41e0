"""The encoding table: one row per instruction, written as the RISC-V manual draws it.

A row is ``name  assembly-syntax | bits, most significant first [!excluded] [ = expansion]``. A
word of 0s and 1s is fixed; ``rd``, ``rs1``, ``rs2`` are 5 bits (3 with a prime: x8..x15);
``imm[11:5]`` holds those bits of a sign-extended immediate, ``uimm[...]`` of a zero-extended one.
A compressed row names the instruction that it stands for after ``=``. After ``!`` come values
that the encoding excludes. The decoder, the assembler and the disassembler all read this table;
`semantics` says what the instructions do.

Source: RISC-V Unprivileged ISA 20240411, chapters 2 (RV32I), 4 (RV64I), 6 (Zifencei), 7 (Zicsr),
13 (M), 14 (A) and 26 (C); Privileged ISA 20240411, section 3.3, chapters 8 (Svinval), 10 and
15 (H).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

RV64I = """
lui     rd, imm20         | imm[31:12] rd 0110111
auipc   rd, imm20         | imm[31:12] rd 0010111
jal     rd, target        | imm[20|10:1|11|19:12] rd 1101111
jalr    rd, imm(rs1)      | imm[11:0] rs1 000 rd 1100111
beq     rs1, rs2, target  | imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011
bne     rs1, rs2, target  | imm[12|10:5] rs2 rs1 001 imm[4:1|11] 1100011
blt     rs1, rs2, target  | imm[12|10:5] rs2 rs1 100 imm[4:1|11] 1100011
bge     rs1, rs2, target  | imm[12|10:5] rs2 rs1 101 imm[4:1|11] 1100011
bltu    rs1, rs2, target  | imm[12|10:5] rs2 rs1 110 imm[4:1|11] 1100011
bgeu    rs1, rs2, target  | imm[12|10:5] rs2 rs1 111 imm[4:1|11] 1100011
lb      rd, imm(rs1)      | imm[11:0] rs1 000 rd 0000011
lh      rd, imm(rs1)      | imm[11:0] rs1 001 rd 0000011
lw      rd, imm(rs1)      | imm[11:0] rs1 010 rd 0000011
ld      rd, imm(rs1)      | imm[11:0] rs1 011 rd 0000011
lbu     rd, imm(rs1)      | imm[11:0] rs1 100 rd 0000011
lhu     rd, imm(rs1)      | imm[11:0] rs1 101 rd 0000011
lwu     rd, imm(rs1)      | imm[11:0] rs1 110 rd 0000011
sb      rs2, imm(rs1)     | imm[11:5] rs2 rs1 000 imm[4:0] 0100011
sh      rs2, imm(rs1)     | imm[11:5] rs2 rs1 001 imm[4:0] 0100011
sw      rs2, imm(rs1)     | imm[11:5] rs2 rs1 010 imm[4:0] 0100011
sd      rs2, imm(rs1)     | imm[11:5] rs2 rs1 011 imm[4:0] 0100011
addi    rd, rs1, imm      | imm[11:0] rs1 000 rd 0010011
slti    rd, rs1, imm      | imm[11:0] rs1 010 rd 0010011
sltiu   rd, rs1, imm      | imm[11:0] rs1 011 rd 0010011
xori    rd, rs1, imm      | imm[11:0] rs1 100 rd 0010011
ori     rd, rs1, imm      | imm[11:0] rs1 110 rd 0010011
andi    rd, rs1, imm      | imm[11:0] rs1 111 rd 0010011
slli    rd, rs1, uimm     | 000000 uimm[5:0] rs1 001 rd 0010011
srli    rd, rs1, uimm     | 000000 uimm[5:0] rs1 101 rd 0010011
srai    rd, rs1, uimm     | 010000 uimm[5:0] rs1 101 rd 0010011
add     rd, rs1, rs2      | 0000000 rs2 rs1 000 rd 0110011
sub     rd, rs1, rs2      | 0100000 rs2 rs1 000 rd 0110011
sll     rd, rs1, rs2      | 0000000 rs2 rs1 001 rd 0110011
slt     rd, rs1, rs2      | 0000000 rs2 rs1 010 rd 0110011
sltu    rd, rs1, rs2      | 0000000 rs2 rs1 011 rd 0110011
xor     rd, rs1, rs2      | 0000000 rs2 rs1 100 rd 0110011
srl     rd, rs1, rs2      | 0000000 rs2 rs1 101 rd 0110011
sra     rd, rs1, rs2      | 0100000 rs2 rs1 101 rd 0110011
or      rd, rs1, rs2      | 0000000 rs2 rs1 110 rd 0110011
and     rd, rs1, rs2      | 0000000 rs2 rs1 111 rd 0110011
addiw   rd, rs1, imm      | imm[11:0] rs1 000 rd 0011011
slliw   rd, rs1, uimm     | 0000000 uimm[4:0] rs1 001 rd 0011011
srliw   rd, rs1, uimm     | 0000000 uimm[4:0] rs1 101 rd 0011011
sraiw   rd, rs1, uimm     | 0100000 uimm[4:0] rs1 101 rd 0011011
addw    rd, rs1, rs2      | 0000000 rs2 rs1 000 rd 0111011
subw    rd, rs1, rs2      | 0100000 rs2 rs1 000 rd 0111011
sllw    rd, rs1, rs2      | 0000000 rs2 rs1 001 rd 0111011
srlw    rd, rs1, rs2      | 0000000 rs2 rs1 101 rd 0111011
sraw    rd, rs1, rs2      | 0100000 rs2 rs1 101 rd 0111011
fence   pred, succ        | fm pred succ rs1 000 rd 0001111
ecall                     | 000000000000 00000 000 00000 1110011
ebreak                    | 000000000001 00000 000 00000 1110011
"""

ZIFENCEI = """
fence.i                   | imm[11:0] rs1 001 rd 0001111
"""

ZICSR = """
csrrw   rd, csr, rs1      | csr rs1 001 rd 1110011
csrrs   rd, csr, rs1      | csr rs1 010 rd 1110011
csrrc   rd, csr, rs1      | csr rs1 011 rd 1110011
csrrwi  rd, csr, zimm     | csr zimm 101 rd 1110011
csrrsi  rd, csr, zimm     | csr zimm 110 rd 1110011
csrrci  rd, csr, zimm     | csr zimm 111 rd 1110011
"""

PRIVILEGED = """
mret                      | 0011000 00010 00000 000 00000 1110011
sret                      | 0001000 00010 00000 000 00000 1110011
wfi                       | 0001000 00101 00000 000 00000 1110011
sfence.vma  rs1, rs2      | 0001001 rs2 rs1 000 00000 1110011
"""

SVINVAL = """
sinval.vma  rs1, rs2      | 0001011 rs2 rs1 000 00000 1110011
sfence.w.inval            | 0001100 00000 00000 000 00000 1110011
sfence.inval.ir           | 0001100 00001 00000 000 00000 1110011
"""

M = """
mul     rd, rs1, rs2      | 0000001 rs2 rs1 000 rd 0110011
mulh    rd, rs1, rs2      | 0000001 rs2 rs1 001 rd 0110011
mulhsu  rd, rs1, rs2      | 0000001 rs2 rs1 010 rd 0110011
mulhu   rd, rs1, rs2      | 0000001 rs2 rs1 011 rd 0110011
div     rd, rs1, rs2      | 0000001 rs2 rs1 100 rd 0110011
divu    rd, rs1, rs2      | 0000001 rs2 rs1 101 rd 0110011
rem     rd, rs1, rs2      | 0000001 rs2 rs1 110 rd 0110011
remu    rd, rs1, rs2      | 0000001 rs2 rs1 111 rd 0110011
mulw    rd, rs1, rs2      | 0000001 rs2 rs1 000 rd 0111011
divw    rd, rs1, rs2      | 0000001 rs2 rs1 100 rd 0111011
divuw   rd, rs1, rs2      | 0000001 rs2 rs1 101 rd 0111011
remw    rd, rs1, rs2      | 0000001 rs2 rs1 110 rd 0111011
remuw   rd, rs1, rs2      | 0000001 rs2 rs1 111 rd 0111011
"""

H = """
hfence.vvma rs1, rs2      | 0010001 rs2 rs1 000 00000 1110011
hfence.gvma rs1, rs2      | 0110001 rs2 rs1 000 00000 1110011
hinval.vvma rs1, rs2      | 0010011 rs2 rs1 000 00000 1110011
hinval.gvma rs1, rs2      | 0110011 rs2 rs1 000 00000 1110011
hlv.b   rd, (rs1)         | 0110000 00000 rs1 100 rd 1110011
hlv.bu  rd, (rs1)         | 0110000 00001 rs1 100 rd 1110011
hlv.h   rd, (rs1)         | 0110010 00000 rs1 100 rd 1110011
hlv.hu  rd, (rs1)         | 0110010 00001 rs1 100 rd 1110011
hlvx.hu rd, (rs1)         | 0110010 00011 rs1 100 rd 1110011
hlv.w   rd, (rs1)         | 0110100 00000 rs1 100 rd 1110011
hlv.wu  rd, (rs1)         | 0110100 00001 rs1 100 rd 1110011
hlvx.wu rd, (rs1)         | 0110100 00011 rs1 100 rd 1110011
hlv.d   rd, (rs1)         | 0110110 00000 rs1 100 rd 1110011
hsv.b   rs2, (rs1)        | 0110001 rs2 rs1 100 00000 1110011
hsv.h   rs2, (rs1)        | 0110011 rs2 rs1 100 00000 1110011
hsv.w   rs2, (rs1)        | 0110101 rs2 rs1 100 00000 1110011
hsv.d   rs2, (rs1)        | 0110111 rs2 rs1 100 00000 1110011
"""

_ATOMIC = """
lr.{w}      rd, (rs1)       | 00010 aq rl 00000 rs1 {f} rd 0101111
sc.{w}      rd, rs2, (rs1)  | 00011 aq rl rs2 rs1 {f} rd 0101111
amoswap.{w} rd, rs2, (rs1)  | 00001 aq rl rs2 rs1 {f} rd 0101111
amoadd.{w}  rd, rs2, (rs1)  | 00000 aq rl rs2 rs1 {f} rd 0101111
amoxor.{w}  rd, rs2, (rs1)  | 00100 aq rl rs2 rs1 {f} rd 0101111
amoand.{w}  rd, rs2, (rs1)  | 01100 aq rl rs2 rs1 {f} rd 0101111
amoor.{w}   rd, rs2, (rs1)  | 01000 aq rl rs2 rs1 {f} rd 0101111
amomin.{w}  rd, rs2, (rs1)  | 10000 aq rl rs2 rs1 {f} rd 0101111
amomax.{w}  rd, rs2, (rs1)  | 10100 aq rl rs2 rs1 {f} rd 0101111
amominu.{w} rd, rs2, (rs1)  | 11000 aq rl rs2 rs1 {f} rd 0101111
amomaxu.{w} rd, rs2, (rs1)  | 11100 aq rl rs2 rs1 {f} rd 0101111
"""
A = _ATOMIC.format(w="w", f="010") + _ATOMIC.format(w="d", f="011")

# If one encoding lies inside another, the narrower row comes first.
C = """
c.addi4spn  rd', sp, uimm    | 000 uimm[5:4|9:6|2|3] rd' 00 !uimm=0        = addi rd', x2, uimm
c.lw        rd', uimm(rs1')  | 010 uimm[5:3] rs1' uimm[2|6] rd' 00         = lw rd', uimm(rs1')
c.ld        rd', uimm(rs1')  | 011 uimm[5:3] rs1' uimm[7:6] rd' 00         = ld rd', uimm(rs1')
c.sw        rs2', uimm(rs1') | 110 uimm[5:3] rs1' uimm[2|6] rs2' 00        = sw rs2', uimm(rs1')
c.sd        rs2', uimm(rs1') | 111 uimm[5:3] rs1' uimm[7:6] rs2' 00        = sd rs2', uimm(rs1')
c.nop       imm              | 000 imm[5] 00000 imm[4:0] 01                = addi x0, x0, imm
c.addi      rd, imm          | 000 imm[5] rd imm[4:0] 01                   = addi rd, rd, imm
c.addiw     rd, imm          | 001 imm[5] rd imm[4:0] 01 !rd=0             = addiw rd, rd, imm
c.li        rd, imm          | 010 imm[5] rd imm[4:0] 01                   = addi rd, x0, imm
c.addi16sp  sp, imm          | 011 imm[9] 00010 imm[4|6|8:7|5] 01 !imm=0   = addi x2, x2, imm
c.lui       rd, imm20        | 011 imm[17] rd imm[16:12] 01 !imm=0         = lui rd, imm
c.srli      rd', uimm        | 100 uimm[5] 00 rd' uimm[4:0] 01             = srli rd', rd', uimm
c.srai      rd', uimm        | 100 uimm[5] 01 rd' uimm[4:0] 01             = srai rd', rd', uimm
c.andi      rd', imm         | 100 imm[5] 10 rd' imm[4:0] 01               = andi rd', rd', imm
c.sub       rd', rs2'        | 100 0 11 rd' 00 rs2' 01                     = sub rd', rd', rs2'
c.xor       rd', rs2'        | 100 0 11 rd' 01 rs2' 01                     = xor rd', rd', rs2'
c.or        rd', rs2'        | 100 0 11 rd' 10 rs2' 01                     = or rd', rd', rs2'
c.and       rd', rs2'        | 100 0 11 rd' 11 rs2' 01                     = and rd', rd', rs2'
c.subw      rd', rs2'        | 100 1 11 rd' 00 rs2' 01                     = subw rd', rd', rs2'
c.addw      rd', rs2'        | 100 1 11 rd' 01 rs2' 01                     = addw rd', rd', rs2'
c.j         target           | 101 imm[11|4|9:8|10|6|7|3:1|5] 01           = jal x0, imm
c.beqz      rs1', target     | 110 imm[8|4:3] rs1' imm[7:6|2:1|5] 01       = beq rs1', x0, imm
c.bnez      rs1', target     | 111 imm[8|4:3] rs1' imm[7:6|2:1|5] 01       = bne rs1', x0, imm
c.slli      rd, uimm         | 000 uimm[5] rd uimm[4:0] 10                 = slli rd, rd, uimm
c.lwsp      rd, uimm(sp)     | 010 uimm[5] rd uimm[4:2|7:6] 10 !rd=0       = lw rd, uimm(x2)
c.ldsp      rd, uimm(sp)     | 011 uimm[5] rd uimm[4:3|8:6] 10 !rd=0       = ld rd, uimm(x2)
c.ebreak                     | 100 1 00000 00000 10                        = ebreak
c.jr        rs1              | 100 0 rs1 00000 10 !rs1=0                   = jalr x0, 0(rs1)
c.mv        rd, rs2          | 100 0 rd rs2 10 !rs2=0                      = add rd, x0, rs2
c.jalr      rs1              | 100 1 rs1 00000 10 !rs1=0                   = jalr x1, 0(rs1)
c.add       rd, rs2          | 100 1 rd rs2 10 !rs2=0                      = add rd, rd, rs2
c.swsp      rs2, uimm(sp)    | 110 uimm[5:2|7:6] rs2 10                    = sw rs2, uimm(x2)
c.sdsp      rs2, uimm(sp)    | 111 uimm[5:3|8:6] rs2 10                    = sd rs2, uimm(x2)
"""

EXTENSIONS = {
    "I": RV64I, "Zifencei": ZIFENCEI, "Zicsr": ZICSR, "privileged": PRIVILEGED, "H": H, "M": M,
    "A": A, "C": C, "Svinval": SVINVAL,
}  # fmt: skip

_WIDTHS = {"fm": 4, "pred": 4, "succ": 4, "csr": 12, "zimm": 5, "aq": 1, "rl": 1}
_WIDTHS |= {"rd": 5, "rs1": 5, "rs2": 5, "rs3": 5, "rm": 3, "rd'": 3, "rs1'": 3, "rs2'": 3}


class Piece(NamedTuple):
    """`width` bits at `source` of the encoding are bits `target`.. of a field's value."""

    source: int
    width: int
    target: int


@dataclass(frozen=True)
class Instruction:
    """One row of the table.

    `match` and `mask` say which words are this instruction (``word & mask == match``); `fields`
    gives the bits of every operand; `size` is 2 or 4 bytes; `base` and `base_operands` are what a
    compressed instruction stands for, in the base row's syntax.
    """

    name: str
    extension: str
    syntax: tuple[str, ...]
    match: int
    mask: int
    size: int
    fields: dict[str, tuple[Piece, ...]] = field(hash=False)
    excluded: dict[str, int] = field(hash=False)
    base: str = ""
    base_operands: tuple[str, ...] = ()

    def matches(self, word: int) -> bool:
        """Return whether `word` (unsigned, `size` bytes) encodes this instruction."""
        if word & self.mask != self.match:
            return False
        return all(self.extract(word, name) != bad for name, bad in self.excluded.items())

    def extract(self, word: int, name: str) -> int:
        """Return the value of field `name` in `word`: a register number, or a number of bytes."""
        pieces = self.fields[name]
        value = 0
        for piece in pieces:
            value |= (word >> piece.source & (1 << piece.width) - 1) << piece.target
        if name == "imm":
            top = max(piece.target + piece.width for piece in pieces)
            value -= (value >> top - 1 & 1) << top
        return value + 8 if name.endswith("'") else value

    def insert(self, name: str, value: int) -> int:
        """Return the bits that give field `name` this `value`; ValueError if none do."""
        raw = value - 8 if name.endswith("'") else value
        word = 0
        for piece in self.fields[name]:
            word |= (raw >> piece.target & (1 << piece.width) - 1) << piece.source
        if self.extract(word, name) != value:
            raise ValueError(f"{name} = {value} does not fit in {self.name}")
        return word


def _parse(line: str, extension: str) -> Instruction:
    left, _, right = line.partition("|")
    name, *syntax = re.split(r"[ ,]+", left.strip())
    right, _, expansion = right.partition(" = ")
    tokens = right.split()
    excluded = {}
    if tokens[-1].startswith("!"):
        key, _, value = tokens.pop()[1:].partition("=")
        excluded[key] = int(value)
    match = mask = position = 0
    fields: dict[str, tuple[Piece, ...]] = {}
    for token in reversed(tokens):
        if token.strip("01") == "":
            match |= int(token, 2) << position
            mask |= (1 << len(token)) - 1 << position
            position += len(token)
            continue
        field_name, _, bits = token.rstrip("]").partition("[")
        for part in reversed(bits.split("|")):  # "12|10:5", or "" for a whole field
            high, _, low = (part or f"{_WIDTHS[field_name] - 1}:0").partition(":")
            target, width = int(low or high), int(high) - int(low or high) + 1
            fields[field_name] = (*fields.get(field_name, ()), Piece(position, width, target))
            position += width
    assert position in (16, 32), f"{name} has {position} bits"
    base, *operands = re.split(r"[ ,()]+", expansion.strip().rstrip(")")) if expansion else [""]
    return Instruction(
        name, extension, tuple(syntax), match, mask, position // 8, fields, excluded, base,
        tuple(operands),
    )  # fmt: skip


INSTRUCTIONS: tuple[Instruction, ...] = tuple(
    _parse(line, extension)
    for extension, rows in EXTENSIONS.items()
    for line in filter(None, rows.split("\n"))
)
BY_NAME: dict[str, Instruction] = {row.name: row for row in INSTRUCTIONS}


@cache
def candidates(key: int, size: int) -> tuple[Instruction, ...]:
    """Return the rows of `size` bytes whose opcode (or quadrant and funct3) is that of `key`."""
    low = 0x7F if size == 4 else 0xE003
    return tuple(
        row for row in INSTRUCTIONS if row.size == size and (key ^ row.match) & row.mask & low == 0
    )


def length(word: int) -> int:
    """Return the bytes of the instruction whose low 16 bits are given (2 or 4; section 1.5)."""
    return 4 if word & 3 == 3 else 2


def decode(word: int) -> Instruction | None:
    """Return the row that `word` (unsigned, of its `length`) encodes, None if it is illegal."""
    size = length(word)
    key = word & (0x7F if size == 4 else 0xE003)
    return next((row for row in candidates(key, size) if row.matches(word)), None)
