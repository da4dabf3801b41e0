"""What each computing instruction does, once, for both engines.

Every function is one expression over register values (signed 64-bit) and the primitives of
`bits`; `flatten` copies the expression into the run loop, so a call costs nothing there.

Source: Unprivileged ISA 20240411, sections 2.4, 4.2 and 13.1 to 13.2.
"""

from minihv.hw.bits import div, divu, i32, i64, ltu, mulh, mulhsu, mulhu, rem, remu, sll, srl

# ruff: noqa: E704  (a table of one-liners reads better as one)


# fmt: off
# rd <- f(a = rs1, b = rs2 or the immediate)
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

# branch taken if f(a = rs1, b = rs2)
def beq(a, b): return a == b
def bne(a, b): return a != b
def blt(a, b): return a < b
def bge(a, b): return a >= b
def bltu(a, b): return ltu(a, b)
def bgeu(a, b): return not ltu(a, b)
# fmt: on

REGISTER = {  # mnemonic -> function, second operand in a register
    f.__name__.rstrip("_"): f
    for f in (
        *(add, sub, and_, or_, xor, slt, sltu, sll_, srl_, sra, addw, subw, sllw, srlw, sraw),
        *(mul, mulh_, mulhsu_, mulhu_, mulw, div_, divu_, rem_, remu_, divw, divuw, remw, remuw),
    )
}
IMMEDIATE = {  # second operand in the instruction
    "addi": add,
    "andi": and_,
    "ori": or_,
    "xori": xor,
    "slti": slt,
    "sltiu": sltu,
    "slli": sll_,
    "srli": srl_,
    "srai": sra,
    "addiw": addw,
    "slliw": sllw,
    "srliw": srlw,
    "sraiw": sraw,
}
BRANCH = {"beq": beq, "bne": bne, "blt": blt, "bge": bge, "bltu": bltu, "bgeu": bgeu}
LOAD = {"lb": 0, "lh": 1, "lw": 2, "ld": 3, "lbu": 4, "lhu": 5, "lwu": 6}  # funct3
STORE = {"sb": 0, "sh": 1, "sw": 2, "sd": 3}
