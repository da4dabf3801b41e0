"""The instructions that change the hart itself: system calls, returns, fences, waiting, atomics.

Source: Privileged ISA 20240411, sections 3.3, 10.2 and 15.3; Unprivileged ISA, chapters 6, 7, 14.
"""

from minihv.hw.access import gather, load, scatter, store, watched
from minihv.hw.bits import i32, i64, ltu
from minihv.hw.csr import csr_instruction
from minihv.hw.mmu import fault, raise_trap, touch
from minihv.hw.state import *
from minihv.hw.tlb import flush_page, flush_tlb, translate
from minihv.hw.trap import machine_return, supervisor_return, take_trap

ECALL, EBREAK, MRET, SRET, WFI = 0x00000073, 0x00100073, 0x30200073, 0x10200073, 0x10500073
SFENCE_VMA, HFENCE_VVMA, HFENCE_GVMA = 0x09, 0x11, 0x31  # the upper seven bits
# sinval and hinval: the same with this bit, and the words that order them before or after others
SINVAL, SFENCE_W_INVAL, SFENCE_INVAL_IR = 2, 0x18000073, 0x18100073


def execute_system(s, tlb, word):
    """Execute the SYSTEM or FENCE.I instruction `word` at PC; EXIT is set if it did not."""
    priv = s[PRIV]
    if word & 0x7F == 0x0F:  # fence.i: stores drop decoded instructions at once: nothing to do
        retire(s)
    elif word >> 12 & 3:
        csr_instruction(s, tlb, word)
        if s[EXIT] == 0:
            retire(s)
    elif word == ECALL:
        raise_trap(s, ECALL_U + priv + (1 if s[VIRT] and priv else 0), 0)
    elif word == EBREAK:
        raise_trap(s, BREAKPOINT_TRAP, s[PC])
    elif word == MRET:
        if priv < 3:
            raise_trap(s, ILLEGAL, word)
        else:
            machine_return(s, tlb)
            s[CLOCK] += 1
    elif word == SRET:
        if not refused(s, word, TSR, VTSR):
            supervisor_return(s, tlb)
            s[CLOCK] += 1
    elif word == WFI:
        if priv < 3 and s[MSTATUS] & TW:
            raise_trap(s, ILLEGAL, word)
        elif not refused(s, word, TW, VTW):
            s[WAIT] = 1
            retire(s)
    else:
        fence(s, tlb, word)


def emulate(s, tlb, word):
    """Execute such an instruction for a host; deliver the trap in which it may end. Return the
    reason to leave, or NONE."""
    s[EXIT] = EXIT_NONE
    execute_system(s, tlb, word)
    return take_trap(s, tlb) if s[EXIT] == EXIT_TRAP else s[EXIT]


def refused(s, word, bit, guest_bit):
    """Return whether U-mode, or this bit of mstatus or hstatus, forbids a supervisor's instruction.

    If so it is raised: illegal instruction, or virtual instruction in a guest (section 15.6.1).
    """
    priv = s[PRIV]
    if s[VIRT]:
        if priv == 0 or s[HSTATUS] & guest_bit:
            raise_trap(s, VIRTUAL_INSTRUCTION, word)
            return True
    elif priv == 0 or (priv == 1 and s[MSTATUS] & bit):
        raise_trap(s, ILLEGAL, word)
        return True
    return False


def fence(s, tlb, word):
    """sfence.vma, hfence.vvma or hfence.gvma, or one of Svinval; any other word is illegal.

    What a fence names is forgotten in every space: more than was asked for, which is allowed. It
    is forgotten at once, so Svinval's two fences have nothing left to do (chapter 8).
    """
    if word == SFENCE_W_INVAL or word == SFENCE_INVAL_IR:
        if not refused(s, word, 0, 0):
            retire(s)
        return
    kind = word >> 25 & ~SINVAL
    hypervisor = s[MISA] & H_BIT != 0 and (kind == HFENCE_VVMA or kind == HFENCE_GVMA)
    if word >> 7 & 0xFF or not (hypervisor or kind == SFENCE_VMA):
        raise_trap(s, ILLEGAL, word)
        return
    if hypervisor and s[VIRT]:
        raise_trap(s, VIRTUAL_INSTRUCTION, word)
        return
    if refused(s, word, 0 if kind == HFENCE_VVMA else TVM, VTVM):
        return
    rs1 = word >> 15 & 31
    if rs1 == 0 or kind == HFENCE_GVMA or s[SUPERPAGES]:
        flush_tlb(s, tlb)
    else:
        flush_page(s, tlb, s[rs1])
    retire(s)


def execute_guest_access(s, tlb, r8, r64, page_flags, code, code_of, word):
    """hlv, hlvx or hsv at PC: a load or store as the guest would do it (section 15.3)."""
    size = word >> 26 & 3
    stores = word >> 25 & 1
    choice = word >> 20 & 31  # 0 signed, 1 unsigned, 3 hlvx
    if s[MISA] & H_BIT == 0 or (s[VIRT] == 0 and s[PRIV] == 0 and s[HSTATUS] & HU == 0):
        raise_trap(s, ILLEGAL, word)
        return
    if s[VIRT]:
        raise_trap(s, VIRTUAL_INSTRUCTION, word)
        return
    va = s[word >> 15 & 31]
    if stores:
        s[GUEST_ACCESS] = 1
        store(s, tlb, r8, r64, page_flags, code, code_of, va, size, s[choice])
        rd = -1
    else:
        s[GUEST_ACCESS] = 2 if choice & 2 else 1
        value = load(s, tlb, r8, r64, page_flags, code, code_of, va, size | (choice & 1) << 2)
        rd = word >> 7 & 31
        rd = SINK if rd == 0 else rd
    s[GUEST_ACCESS] = 0
    if s[EXIT]:
        s[ACCESS_RD] = rd
        s[LENGTH] = 4
        return
    if not stores:
        s[rd] = value
    retire(s)


def retire(s):
    """Count a 32-bit instruction and go on after it."""
    s[PC] = i64(s[PC] + 4)
    s[CLOCK] += 1


# --- atomics ------------------------------------------------------------------------------------

LR, SC, SWAP, ADD, XOR, AND, OR, MIN, MAX, MINU, MAXU = 2, 3, 1, 0, 4, 12, 8, 16, 20, 24, 28


def combine(function, old, operand):
    """Return what an AMO stores (section 14.4)."""
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


def execute_atomic(s, tlb, r8, r64, page_flags, code, code_of, word):
    """lr, sc or an AMO at PC; EXIT is set if it did not happen (sections 14.2 to 14.4).

    The reservation set is the naturally aligned word or doubleword, by physical address.
    """
    size = 4 if word >> 12 & 1 == 0 else 8
    function = word >> 27
    va = s[word >> 15 & 31]
    access = READ if function == LR else WRITE
    if va & size - 1:
        raise_trap(s, LOAD_MISALIGNED if function == LR else STORE_MISALIGNED, va)
        return
    pa = translate(s, tlb, r64, page_flags, code, code_of, va, size, access)
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
            touch(s, page_flags, code, code_of, offset, size)
        s[RESERVATION] = -1
        s[rd] = 0 if success else 1
    else:
        if size == 4:
            operand = i32(operand)
        scatter(r8, offset, size, combine(function, old, operand))
        touch(s, page_flags, code, code_of, offset, size)
        s[rd] = old
    retire(s)
