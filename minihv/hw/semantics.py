"""What each instruction does, once, for every engine.

A function computes with register values (signed 64-bit) and the primitives of `bits`: assignments
to its parameters, then a return. Its statements are copied into the run loop, so a call costs
nothing there. `MEANING` says the rest: the kind of each instruction (see `shapes`).

Source: Unprivileged ISA 20240411, sections 2.4 to 2.6, 4.2, 4.3 and 13.1 to 13.2.
"""

from minihv.hw.bits import div, divu, i32, i64, ltu, mulh, mulhsu, mulhu, rem, remu, sll, srl
from minihv.hw.isa import INSTRUCTIONS
from minihv.hw.shapes import Kind, Meaning, check

# ruff: noqa: E704  (a table of one-liners reads better as one)


# fmt: off
# rd <- f(source operands)
def copy(a): return a
def add(a, b): return i64(a + b)
def sub(a, b): return i64(a - b)
def and_(a, b): return a & b
def or_(a, b): return a | b
def xor(a, b): return a ^ b
def slt(a, b): return 1 if a < b else 0
def sltu(a, b): return 1 if ltu(a, b) else 0
def sll_(a, b): return sll(a, b & 63)
def srl_(a, b): return srl(a, b & 63)
def sra(a, b): return a >> (b & 63)
def addw(a, b): return i32(a + b)
def subw(a, b): return i32(a - b)
def sllw(a, b): return i32(a << (b & 31))
def srlw(a, b): return i32((a & 0xFFFFFFFF) >> (b & 31))
def sraw(a, b): return i32(a) >> (b & 31)
def mul(a, b): return i64(a * b)
def mulh_(a, b): return mulh(a, b)
def mulhsu_(a, b): return mulhsu(a, b)
def mulhu_(a, b): return mulhu(a, b)
def mulw(a, b): return i32(a * b)
def div_(a, b): return div(a, b)
def divu_(a, b): return divu(a, b)
def rem_(a, b): return rem(a, b)
def remu_(a, b): return remu(a, b)
def divw(a, b): return i32(div(i32(a), i32(b)))
def divuw(a, b): return i32(divu(a & 0xFFFFFFFF, b & 0xFFFFFFFF))
def remw(a, b): return i32(rem(i32(a), i32(b)))
def remuw(a, b): return i32(remu(a & 0xFFFFFFFF, b & 0xFFFFFFFF))

# the branch is taken if f(rs1, rs2)
def beq(a, b): return a == b
def bne(a, b): return a != b
def blt(a, b): return a < b
def bge(a, b): return a >= b
def bltu(a, b): return ltu(a, b)
def bgeu(a, b): return not ltu(a, b)

_COMPUTE = {
    "addi": add, "andi": and_, "ori": or_, "xori": xor, "slti": slt, "sltiu": sltu, "slli": sll_,
    "srli": srl_, "srai": sra, "addiw": addw, "slliw": sllw, "srliw": srlw, "sraiw": sraw,
} | {
    f.__name__.rstrip("_"): f
    for f in (
        *(add, sub, and_, or_, xor, slt, sltu, sll_, srl_, sra, addw, subw, sllw, srlw, sraw),
        *(mul, mulh_, mulhsu_, mulhu_, mulw, div_, divu_, rem_, remu_, divw, divuw, remw, remuw),
    )
}
MEANING = {
    **{f.__name__: Meaning(Kind.BRANCH, f) for f in (beq, bne, blt, bge, bltu, bgeu)},
    "jal": Meaning(Kind.CALL),
    "j": Meaning(Kind.JUMP),  # no instruction: a jal that does not link (see `ops`)
    "jalr": Meaning(Kind.INDIRECT),
    "lui": Meaning(Kind.COMPUTE, copy), "auipc": Meaning(Kind.ADDRESS),
    "lb": Meaning(Kind.LOAD, size=1), "lh": Meaning(Kind.LOAD, size=2),
    "lw": Meaning(Kind.LOAD, size=4), "ld": Meaning(Kind.LOAD, size=8),
    "lbu": Meaning(Kind.LOAD, size=1, signed=False),
    "lhu": Meaning(Kind.LOAD, size=2, signed=False),
    "lwu": Meaning(Kind.LOAD, size=4, signed=False),
    "sb": Meaning(Kind.STORE, size=1), "sh": Meaning(Kind.STORE, size=2),
    "sw": Meaning(Kind.STORE, size=4), "sd": Meaning(Kind.STORE, size=8),
    **{name: Meaning(Kind.COMPUTE, f) for name, f in _COMPUTE.items()},
    "fence": Meaning(Kind.FENCE),
    "ecall": Meaning(Kind.SYSTEM), "ebreak": Meaning(Kind.SYSTEM),
}
# fmt: on

_WHOLE = {"A": Kind.ATOMIC} | dict.fromkeys(
    ("Zicsr", "Zifencei", "privileged", "H", "Svinval"), Kind.SYSTEM)  # fmt: skip
for _row in INSTRUCTIONS:
    if _row.extension in _WHOLE:
        MEANING[_row.name] = Meaning(_WHOLE[_row.extension])
    elif not _row.base:
        if _row.name not in MEANING:
            raise ValueError(f"{_row.name} is encoded in isa: say in MEANING what it does")
        check(_row.name, MEANING[_row.name])
