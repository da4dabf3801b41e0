"""The pseudo-instructions: one row each, read by the assembler and, with ``=``, backwards too.

``alias operands = instruction`` holds in both directions, the first row that fits is shown;
``->`` is for the assembler alone and may give several instructions. The operands' names say what
they are: ``rd rs rt`` registers, ``fm=8`` sets a field that the syntax hides, any other name is
an expression. ``.`` is the address of the instruction that uses it.

Source: RISC-V Assembly Programmer's Handbook (Unprivileged ISA 20191213, chapter 25), tables 25.2
and 25.3; GNU as for the forms with an immediate where a register is usual.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from minihv.hw.semantics import MEANING
from minihv.hw.shapes import Kind

_TABLE = """
nop                     = addi x0, x0, 0
li rd, imm              = addi rd, x0, imm
mv rd, rs               = addi rd, rs, 0
not rd, rs              = xori rd, rs, -1
neg rd, rs              = sub rd, x0, rs
negw rd, rs             = subw rd, x0, rs
sext.w rd, rs           = addiw rd, rs, 0
seqz rd, rs             = sltiu rd, rs, 1
snez rd, rs             = sltu rd, x0, rs
sltz rd, rs             = slt rd, rs, x0
sgtz rd, rs             = slt rd, x0, rs
beqz rs, target         = beq rs, x0, target
bnez rs, target         = bne rs, x0, target
blez rs, target         = bge x0, rs, target
bgez rs, target         = bge rs, x0, target
bltz rs, target         = blt rs, x0, target
bgtz rs, target         = blt x0, rs, target
j target                = jal x0, target
jal target              = jal x1, target
ret                     = jalr x0, 0(x1)
jr rs                   = jalr x0, 0(rs)
jalr rs                 = jalr x1, 0(rs)
rdcycle rd              = csrrs rd, cycle, x0
rdtime rd               = csrrs rd, time, x0
rdinstret rd            = csrrs rd, instret, x0
unimp                   = csrrw x0, cycle, x0
csrr rd, csr            = csrrs rd, csr, x0
csrw csr, rs            = csrrw x0, csr, rs
csrs csr, rs            = csrrs x0, csr, rs
csrc csr, rs            = csrrc x0, csr, rs
csrwi csr, imm          = csrrwi x0, csr, imm
csrsi csr, imm          = csrrsi x0, csr, imm
csrci csr, imm          = csrrci x0, csr, imm
fence                   = fence iorw, iorw
fence.tso               = fence rw, rw, fm=8
pause                   = fence w, 0
sfence.vma              = sfence.vma x0, x0
sfence.vma rs           = sfence.vma rs, x0
hfence.vvma             = hfence.vvma x0, x0
hfence.vvma rs          = hfence.vvma rs, x0
hfence.gvma             = hfence.gvma x0, x0
hfence.gvma rs          = hfence.gvma rs, x0

bgt rs, rt, target      -> blt rt, rs, target
ble rs, rt, target      -> bge rt, rs, target
bgtu rs, rt, target     -> bltu rt, rs, target
bleu rs, rt, target     -> bgeu rt, rs, target
sgt rd, rs, rt          -> slt rd, rt, rs
sgtu rd, rs, rt         -> sltu rd, rt, rs
move rd, rs             -> addi rd, rs, 0
zext.b rd, rs           -> andi rd, rs, 255
sext.b rd, rs           -> slli rd, rs, 56; srai rd, rd, 56
sext.h rd, rs           -> slli rd, rs, 48; srai rd, rd, 48
zext.h rd, rs           -> slli rd, rs, 48; srli rd, rd, 48
zext.w rd, rs           -> slli rd, rs, 32; srli rd, rd, 32
la rd, symbol           -> auipc rd, %pcrel_hi(symbol); addi rd, rd, %pcrel_lo(. - 4)
lla rd, symbol          -> auipc rd, %pcrel_hi(symbol); addi rd, rd, %pcrel_lo(. - 4)
call symbol             -> auipc x1, %pcrel_hi(symbol); jalr x1, %pcrel_lo(. - 4)(x1)
call rd, symbol         -> auipc rd, %pcrel_hi(symbol); jalr rd, %pcrel_lo(. - 4)(rd)
tail symbol             -> auipc x6, %pcrel_hi(symbol); jalr x0, %pcrel_lo(. - 4)(x6)
jump symbol, rt         -> auipc rt, %pcrel_hi(symbol); jalr x0, %pcrel_lo(. - 4)(rt)
jr imm(rs)              -> jalr x0, imm(rs)
jr rs, imm              -> jalr x0, imm(rs)
jalr imm(rs)            -> jalr x1, imm(rs)
jalr rs, imm            -> jalr x1, imm(rs)
jalr rd, rs             -> jalr rd, 0(rs)
jalr rd, rs, imm        -> jalr rd, imm(rs)
csrw csr, imm           -> csrrwi x0, csr, imm
csrs csr, imm           -> csrrsi x0, csr, imm
csrc csr, imm           -> csrrci x0, csr, imm
csrrw rd, csr, imm      -> csrrwi rd, csr, imm
csrrs rd, csr, imm      -> csrrsi rd, csr, imm
csrrc rd, csr, imm      -> csrrci rd, csr, imm
scall                   -> ecall
sbreak                  -> ebreak
"""

class Pseudo(NamedTuple):
    """One row: `steps` are (instruction, operands); `shown` if it also reads backwards."""

    name: str
    operands: tuple[str, ...]
    steps: tuple[tuple[str, tuple[str, ...]], ...]
    shown: bool


def _split(text: str) -> tuple[str, tuple[str, ...]]:
    name, _, operands = text.strip().partition(" ")
    return name, tuple(operand.strip() for operand in operands.split(",") if operand.strip())


def _parse(line: str) -> Pseudo:
    arrow = "->" if "->" in line else " = "
    left, _, right = line.partition(arrow)
    name, operands = _split(left)
    return Pseudo(name, operands, tuple(map(_split, right.split(";"))), arrow == " = ")


def _families() -> Iterator[str]:
    """Yield the rows that differ only in the mnemonic (symbol loads and stores, immediates)."""
    reach = "auipc {}, %pcrel_hi(symbol); {} {}, %pcrel_lo(. - 4)({})"
    for op, meaning in MEANING.items():
        if meaning.kind is Kind.LOAD:
            yield f"{op} rd, symbol -> {reach.format('rd', op, 'rd', 'rd')}"
        elif meaning.kind is Kind.STORE:
            yield f"{op} rs, symbol, rt -> {reach.format('rt', op, 'rs', 'rt')}"
    for op in "add slt sltu xor or and sll srl sra addw sllw srlw sraw".split():
        stem, word = (op[:-1], "w") if op.endswith("w") else (op, "")
        base = "sltiu" if op == "sltu" else f"{stem}i{word}"
        yield f"{op} rd, rs, imm -> {base} rd, rs, imm"


PSEUDOS: tuple[Pseudo, ...] = tuple(
    _parse(line) for line in [*_TABLE.split("\n"), *_families()] if line.strip()
)
