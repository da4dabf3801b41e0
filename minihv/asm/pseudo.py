"""The pseudo-instructions: one row each, read by the assembler and, where ``=``, backwards too.

``alias operands = instruction`` holds in both directions, the first row that fits is shown;
``->`` is for the assembler alone and may give several instructions. The operands' names say what
they are: ``rd rs rt`` registers, ``fm=8`` sets a field that the syntax hides, any other name is
an expression. ``.`` is the address of the instruction that it stands in.

Source: RISC-V Assembly Programmer's Handbook (Unprivileged ISA 20191213, chapter 25), tables 25.2
and 25.3; GNU as for the forms with an immediate where a register is usual.
"""

from __future__ import annotations

from typing import NamedTuple

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

_LOADS = "lb lh lw ld lbu lhu lwu"
_STORES = "sb sh sw sd"
_WITH_IMMEDIATE = "add slt sltu xor or and sll srl sra addw sllw srlw sraw"


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


def _families() -> list[str]:
    """The rows that differ only in the mnemonic (symbol loads and stores, immediates)."""
    reach = "auipc {}, %pcrel_hi(symbol); {} {}, %pcrel_lo(. - 4)({})"
    rows = [f"{op} rd, symbol -> {reach.format('rd', op, 'rd', 'rd')}" for op in _LOADS.split()]
    rows += [
        f"{op} rs, symbol, rt -> {reach.format('rt', op, 'rs', 'rt')}" for op in _STORES.split()
    ]
    for op in _WITH_IMMEDIATE.split():
        stem, word = (op[:-1], "w") if op.endswith("w") else (op, "")
        base = "sltiu" if op == "sltu" else f"{stem}i{word}"
        rows.append(f"{op} rd, rs, imm -> {base} rd, rs, imm")
    return rows


PSEUDOS: tuple[Pseudo, ...] = tuple(
    _parse(line) for line in [*_TABLE.split("\n"), *_families()] if line.strip()
)


Steps = list[tuple[str, int]]


def load_constant(value: int) -> Steps:
    """The shortest usual steps that load a signed 64-bit `value`, as (mnemonic, immediate).

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
        best = _shorter(best, [*_chain(value - rest), ("addi", rest)])
    if value > 0:
        best = _without_leading_zeros(value, best)
    elif len(best) > 3:
        turned = _without_leading_zeros(~value, None)
        best = _shorter(best, [*turned, ("xori", -1)])
    return best


def _wrap(value: int) -> int:
    return (value + (1 << 63) & (1 << 64) - 1) - (1 << 63)


def _fits(value: int, bits: int) -> bool:
    return -(1 << bits - 1) <= value < 1 << bits - 1


def _shorter(best: Steps | None, other: Steps) -> Steps:
    return other if best is None or len(other) < len(best) else best


def _chain(value: int) -> Steps:
    """The plain recipe: lui and addi for 32 bits, above that shift the rest up and add 12 more."""
    low = (value + 0x800 & 0xFFF) - 0x800
    if _fits(value, 32):
        high = value + 0x800 >> 12 & 0xFFFFF
        steps = [("lui", high)] if high else []
        if low or not high:
            # addiw only where lui's result and the rest would leave the 32-bit range
            steps.append(("addiw" if high == 0x80000 and low < 0 <= value else "addi", low))
        return steps
    rest = _wrap(value - low)
    shift = 0
    if not _fits(rest, 32):
        shift = (rest & -rest).bit_length() - 1
        rest = rest >> shift
        if shift > 12 and not _fits(rest, 12) and _fits(rest << 12, 32):
            rest, shift = rest << 12, shift - 12  # lui clears 12 bits for nothing
    steps = _chain(rest)
    if shift:
        steps.append(("slli", shift))
    if low:
        steps.append(("addi", low))
    return steps


def _without_leading_zeros(value: int, best: Steps | None) -> Steps:
    """For a positive `value`: load it shifted to the top, with 1s or 0s behind, and shift back."""
    zeros = 64 - value.bit_length()
    top = (value << zeros) - (1 << 64)
    ones = [*_chain(top | (1 << zeros) - 1), ("srli", zeros)]
    return _shorter(_shorter(best, ones), [*_chain(top), ("srli", zeros)])
