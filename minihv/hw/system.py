"""The instructions that change the hart itself: system calls, returns, fences, waiting, atomics.

Source: Privileged ISA 20240411, sections 3.3 and 10.2; Unprivileged ISA, chapters 6, 7 and 14.
"""

from minihv.hw.bits import i32, i64, ltu
from minihv.hw.csr import csr_instruction
from minihv.hw.mmu import (
    fault,
    flush_page,
    flush_tlb,
    gather,
    raise_trap,
    scatter,
    touch,
    translate,
    watched,
)
from minihv.hw.state import (
    BREAKPOINT_TRAP,
    CLOCK,
    ECALL_U,
    EXIT,
    ILLEGAL,
    LOAD_MISALIGNED,
    MSTATUS,
    PC,
    PRIV,
    RAM_BASE,
    RAM_SIZE,
    READ,
    RESERVATION,
    SINK,
    STORE_MISALIGNED,
    SUPERPAGES,
    TSR,
    TVM,
    TW,
    WAIT,
    WATCHPOINTS,
    WRITE,
)
from minihv.hw.trap import machine_return, supervisor_return

ECALL, EBREAK, MRET, SRET, WFI = 0x00000073, 0x00100073, 0x30200073, 0x10200073, 0x10500073


def execute_system(s, tlb, word):
    """Execute the SYSTEM or FENCE.I instruction `word` at PC; EXIT is set where it did not."""
    priv = s[PRIV]
    if word & 0x7F == 0x0F:  # fence.i: stores drop decoded instructions at once, nothing is due
        retire(s)
    elif word >> 12 & 3:
        csr_instruction(s, tlb, word)
        if s[EXIT] == 0:
            retire(s)
    elif word == ECALL:
        raise_trap(s, ECALL_U + priv, 0)
    elif word == EBREAK:
        raise_trap(s, BREAKPOINT_TRAP, s[PC])
    elif word == MRET and priv == 3:
        machine_return(s, tlb)
        s[CLOCK] += 1
    elif word == SRET and (priv == 3 or (priv == 1 and s[MSTATUS] & TSR == 0)):
        supervisor_return(s, tlb)
        s[CLOCK] += 1
    elif word == WFI and (priv == 3 or (priv == 1 and s[MSTATUS] & TW == 0)):
        s[WAIT] = 1
        retire(s)
    elif word >> 25 == 0x09 and (priv == 3 or (priv == 1 and s[MSTATUS] & TVM == 0)):
        rs1 = word >> 15 & 31
        if rs1 == 0 or s[SUPERPAGES]:
            flush_tlb(s, tlb)
        else:
            flush_page(s, tlb, s[rs1])
        retire(s)
    else:
        raise_trap(s, ILLEGAL, word)


def retire(s):
    """Count a 32-bit instruction and go on behind it."""
    s[PC] = i64(s[PC] + 4)
    s[CLOCK] += 1


# --- atomics ------------------------------------------------------------------------------------

LR, SC, SWAP, ADD, XOR, AND, OR, MIN, MAX, MINU, MAXU = 2, 3, 1, 0, 4, 12, 8, 16, 20, 24, 28


def combine(function, old, operand):
    """What an AMO stores (section 14.4)."""
    if function == SWAP:
        return operand
    if function == ADD:
        return i64(old + operand)
    if function == XOR:
        return old ^ operand
    if function == AND:
        return old & operand
    if function == OR:
        return old | operand
    if function == MIN:
        return min(old, operand)
    if function == MAX:
        return max(old, operand)
    if function == MINU:
        return old if ltu(old, operand) else operand
    return operand if ltu(old, operand) else old


def execute_atomic(s, tlb, r8, r64, pf, code, cof, word):
    """lr, sc or an AMO at PC; EXIT is set where it did not happen (sections 14.2 to 14.4).

    The reservation set is the naturally aligned word or doubleword, by physical address.
    """
    size = 4 if word >> 12 & 1 == 0 else 8
    function = word >> 27
    va = s[word >> 15 & 31]
    access = READ if function == LR else WRITE
    if va & size - 1:
        raise_trap(s, LOAD_MISALIGNED if function == LR else STORE_MISALIGNED, va)
        return
    pa = translate(s, tlb, r64, pf, code, cof, va, size, access)
    if s[EXIT]:
        return
    offset = pa - RAM_BASE
    if offset < 0 or offset >= s[RAM_SIZE]:
        fault(s, access, va, False)
        return
    if s[WATCHPOINTS] and watched(s, pa, size, 1 if function == LR else 3):
        return
    old = gather(r8, offset, size)
    if size == 4:
        old = i32(old)
    operand = s[word >> 20 & 31]
    rd = word >> 7 & 31
    rd = SINK if rd == 0 else rd
    if function == LR:
        s[RESERVATION] = pa
        s[rd] = old
    elif function == SC:
        success = s[RESERVATION] == pa
        if success:
            scatter(r8, offset, size, operand)
            touch(s, pf, code, cof, offset, size)
        s[RESERVATION] = -1
        s[rd] = 0 if success else 1
    else:
        if size == 4:
            operand = i32(operand)
        scatter(r8, offset, size, combine(function, old, operand))
        touch(s, pf, code, cof, offset, size)
        s[rd] = old
    retire(s)
