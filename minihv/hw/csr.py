"""Control and status registers: who may read and write which, and what a write can change.

Plain registers are rows of `tables.CSR_ROWS`; the code here is for the views, counters and fields
with rules of their own. Source: Privileged ISA 20240411, chapters 2, 3 and 10; Sstc 1.0.
"""

from minihv.hw.bits import i64
from minihv.hw.mmu import flush_tlb, raise_trap, update_contexts
from minihv.hw.pmp import read_pmpcfg, write_pmpaddr, write_pmpcfg
from minihv.hw.state import (
    CLOCK,
    CSR_WATCH,
    CSR_WATCHES,
    CYCLE_OFFSET,
    EXIT,
    EXIT_WATCHPOINT,
    IDLE,
    ILLEGAL,
    INSTRET_OFFSET,
    MCOUNTEREN,
    MENVCFG,
    MIDELEG,
    MIE,
    MIP_LINE,
    MIP_SOFT,
    MPP_SHIFT,
    MSTATUS,
    PMPADDR,
    PRIV,
    SCOUNTEREN,
    SILENT,
    SINK,
    SKIP,
    STCE,
    TVM,
)
from minihv.hw.tables import CSR_MASK, CSR_SLOT, SSTATUS_WRITABLE
from minihv.hw.trap import mtime, refresh_timers

SSTATUS, SIE_CSR, STVEC_CSR, SIP, STIMECMP_CSR, SATP_CSR = 0x100, 0x104, 0x105, 0x144, 0x14D, 0x180
MSTATUS_CSR, MTVEC_CSR, MENVCFG_CSR, MIP = 0x300, 0x305, 0x30A, 0x344
PMPCFG0, PMPADDR0, MCYCLE, MINSTRET, CYCLE, TIME, INSTRET = (
    *(0x3A0, 0x3B0, 0xB00, 0xB02, 0xC00, 0xC01, 0xC02),
)
SSIP, STIP, SEIP = 1 << 1, 1 << 5, 1 << 9


def accessible(s, number, write):
    """Whether this CSR exists and the hart's privilege may read it (and write it)."""
    priv = s[PRIV]
    if CSR_SLOT[number] == -1 or priv < number >> 8 & 3 or (write and number >> 10 == 3):
        return False
    if CYCLE <= number and number < CYCLE + 32:
        bit = 1 << (number & 31)
        if priv < 3 and s[MCOUNTEREN] & bit == 0:
            return False
        return priv > 0 or s[SCOUNTEREN] & bit != 0
    if number == SATP_CSR:
        return priv != 1 or s[MSTATUS] & TVM == 0
    if number == STIMECMP_CSR and priv < 3:
        return s[MENVCFG] & STCE != 0 and s[MCOUNTEREN] & 2 != 0
    return True


def read_csr(s, number):
    """The value of an accessible CSR."""
    slot = CSR_SLOT[number]
    if slot >= 0:
        return s[slot]
    if number == SSTATUS:
        return s[MSTATUS] & (SSTATUS_WRITABLE | 3 << 32)
    if number == SIE_CSR:
        return s[MIE] & s[MIDELEG]
    if number == SIP:
        return (s[MIP_SOFT] | s[MIP_LINE]) & s[MIDELEG]
    if number == MIP:
        return s[MIP_SOFT] | s[MIP_LINE]
    if number == TIME:
        return mtime(s)
    if number == CYCLE or number == MCYCLE:
        return i64(s[CLOCK] + s[CYCLE_OFFSET])
    if number == INSTRET or number == MINSTRET:
        return i64(s[CLOCK] - s[IDLE] + s[INSTRET_OFFSET])
    if number >= PMPADDR0:
        return s[PMPADDR + number - PMPADDR0]
    return read_pmpcfg(s, (number - PMPCFG0) * 4)


def write_mstatus(s, tlb, value, mask):
    """Write those bits of mstatus; the reserved MPP value 2 leaves MPP as it was."""
    if value >> MPP_SHIFT & 3 == 2:
        mask &= ~(3 << MPP_SHIFT)
    s[MSTATUS] = s[MSTATUS] & ~mask | value & mask
    update_contexts(s, tlb)


def write_csr(s, tlb, number, value):
    """Write an accessible CSR, as far as its fields are writable and the value is legal."""
    slot = CSR_SLOT[number]
    mask = CSR_MASK[number]
    if number == MSTATUS_CSR or number == SSTATUS:
        write_mstatus(s, tlb, value, mask)
    elif number == SATP_CSR:
        mode = value >> 60 & 15
        if mode == 0:  # Bare: the rest of satp has no meaning
            value = 0
        if (mode == 0 or mode == 8) and value != s[slot]:
            s[slot] = value
            update_contexts(s, tlb)
    elif number == STVEC_CSR or number == MTVEC_CSR:
        if value & 2 == 0:
            s[slot] = value
    elif slot >= 0:
        s[slot] = s[slot] & ~mask | value & mask
        if number == STIMECMP_CSR or number == MENVCFG_CSR:
            refresh_timers(s)
    elif number == SIE_CSR:
        s[MIE] = s[MIE] & ~s[MIDELEG] | value & s[MIDELEG]
    elif number == SIP:
        mask = s[MIDELEG] & SSIP
        s[MIP_SOFT] = s[MIP_SOFT] & ~mask | value & mask
    elif number == MIP:
        if s[MENVCFG] & STCE:
            mask &= ~STIP
        s[MIP_SOFT] = s[MIP_SOFT] & ~mask | value & mask
    elif number == MCYCLE:  # the next instruction reads what was written, hence + 1
        s[CYCLE_OFFSET] = i64(value - (s[CLOCK] + 1))
    elif number == MINSTRET:
        s[INSTRET_OFFSET] = i64(value - (s[CLOCK] - s[IDLE] + 1))
    elif number >= PMPADDR0 and number < PMPADDR0 + 16:
        write_pmpaddr(s, number - PMPADDR0, value)
        flush_tlb(s, tlb)
    else:
        write_pmpcfg(s, (number - PMPCFG0) * 4, value)
        flush_tlb(s, tlb)


def csr_watched(s, number):
    """Whether the host watches this CSR and has not yet been told of this access."""
    if s[SKIP] == s[CLOCK]:
        return False
    for k in range(s[CSR_WATCHES]):
        if s[CSR_WATCH + k] == number:
            s[SKIP] = s[CLOCK]
            s[EXIT] = EXIT_WATCHPOINT
            return True
    return False


def access_silently(s, number, rd):
    """What a machine that is not classically virtualizable does instead of trapping.

    It reads the hart's own value and drops what is written, as SMSW and POPF did on x86.
    """
    s[SILENT] += 1
    s[SINK if rd == 0 else rd] = read_csr(s, number)


def csr_instruction(s, tlb, word):
    """csrrw, csrrs, csrrc and their immediate forms (Unprivileged ISA, chapter 7)."""
    number = word >> 20 & 0xFFF
    kind = word >> 12 & 3  # 1 write, 2 set, 3 clear
    field = word >> 15 & 31
    write = kind == 1 or field != 0
    if not accessible(s, number, write):
        if s[SILENT] and s[PRIV] == 0 and number >> 8 & 3 == 1 and CSR_SLOT[number] != -1:
            access_silently(s, number, word >> 7 & 31)
            return
        raise_trap(s, ILLEGAL, word)
        return
    if s[CSR_WATCHES] and csr_watched(s, number):
        return
    operand = field if word >> 14 & 1 else s[field]
    old = read_csr(s, number)
    if write:
        # SEIP as software wrote it, not as the line drives it, goes back (section 3.1.9)
        base = old & ~SEIP | s[MIP_SOFT] & SEIP if number == MIP else old
        if kind == 2:
            operand = base | operand
        elif kind == 3:
            operand = base & ~operand
        write_csr(s, tlb, number, operand)
    rd = word >> 7 & 31
    s[SINK if rd == 0 else rd] = old
