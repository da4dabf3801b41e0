"""Control and status registers: who may read and write which, and what a write can change.

Plain registers are rows of `tables.CSR_ROWS`; the code here is for the views, counters and fields
with rules of their own. Source: Privileged ISA 20240411, chapters 2, 3, 10 and 15; Sstc 1.0.
"""

from minihv.hw.bits import i64
from minihv.hw.mmu import PPN, flush_tlb, raise_trap, update_contexts
from minihv.hw.pmp import read_pmpcfg, write_pmpaddr, write_pmpcfg
from minihv.hw.state import *
from minihv.hw.tables import (
    CSR_MASK,
    CSR_SLOT,
    GUEST_INTERRUPTS,
    SSTATUS_WRITABLE,
    SUPERVISOR_INTERRUPTS,
)
from minihv.hw.trap import mtime, refresh_timers

SSTATUS, SIE_CSR, STVEC_CSR, SIP, STIMECMP_CSR, SATP_CSR = 0x100, 0x104, 0x105, 0x144, 0x14D, 0x180
TO_VS = 0x100  # from an S-mode register's number to that of its VS-mode copy
MSTATUS_CSR, MEDELEG_CSR, MIDELEG_CSR, MTVEC_CSR = 0x300, 0x302, 0x303, 0x305
MENVCFG_CSR, MIP, MTINST_CSR, MTVAL2_CSR = 0x30A, 0x344, 0x34A, 0x34B
HTIMEDELTA_CSR, HIE, HENVCFG_CSR, HIP, HVIP, HGATP_CSR = 0x605, 0x604, 0x60A, 0x644, 0x645, 0x680
MIE_CSR = 0x304
PMPCFG0, PMPADDR0, MCYCLE, MINSTRET, CYCLE, TIME, INSTRET = (
    *(0x3A0, 0x3B0, 0xB00, 0xB02, 0xC00, 0xC01, 0xC02),
)
SSIP, VSSIP, STIP, SEIP = 1 << 1, 1 << 2, 1 << 5, 1 << 9
GUEST_EXCEPTIONS = 1 << 10 | 0xF << 20  # ecall from VS, guest-page faults, virtual instruction
HGATP_SV39X4 = -1 << 63  # its MODE field, 8
REFUSED, ALLOWED, REFUSED_TO_GUEST = 0, 1, 2


# --- who may ------------------------------------------------------------------------------------


def exists(s, number):
    """Whether this hart has the CSR."""
    if number >> 8 & 3 == 2 or number == MTINST_CSR or number == MTVAL2_CSR:
        return s[MISA] & H_BIT != 0 and CSR_SLOT[number] != -1
    return CSR_SLOT[number] != -1


def access_right(s, number, write):
    """Whether the hart, as it is, may read (and write) a CSR: ALLOWED, REFUSED, or
    REFUSED_TO_GUEST, which is a virtual-instruction exception (section 15.6.1)."""
    if not exists(s, number) or (write and number >> 10 == 3):
        return REFUSED
    if CYCLE <= number and number < CYCLE + 32:
        return counter_right(s, 1 << (number & 31))
    priv = s[PRIV]
    level = number >> 8 & 3
    guest = s[VIRT] != 0
    timer = number == STIMECMP_CSR or number == STIMECMP_CSR + TO_VS
    if timer and priv < 3 and (s[MENVCFG] & STCE == 0 or s[MCOUNTEREN] & 2 == 0):
        return REFUSED  # to HS-mode, too (Sstc, section 2.1)
    if guest and (level == 2 or (level == 1 and priv == 0)):
        return REFUSED_TO_GUEST
    if priv < (1 if level == 2 else level):
        return REFUSED
    if timer and guest and (s[HENVCFG] & STCE == 0 or s[HCOUNTEREN] & 2 == 0):
        return REFUSED_TO_GUEST
    if number == SATP_CSR and guest:
        return REFUSED_TO_GUEST if s[HSTATUS] & VTVM else ALLOWED
    if (number == SATP_CSR or number == HGATP_CSR) and priv == 1 and s[MSTATUS] & TVM:
        return REFUSED
    return ALLOWED


def counter_right(s, bit):
    """Whether the counter of this bit may be read: every mode lends it to the one below."""
    priv = s[PRIV]
    if priv < 3 and s[MCOUNTEREN] & bit == 0:
        return REFUSED
    if s[VIRT] and s[HCOUNTEREN] & bit == 0:
        return REFUSED_TO_GUEST
    if priv == 0 and s[SCOUNTEREN] & bit == 0:
        return REFUSED_TO_GUEST if s[VIRT] else REFUSED
    return ALLOWED


# --- what is in them ----------------------------------------------------------------------------


def read_csr(s, number):
    """The value of an accessible CSR."""
    slot = CSR_SLOT[number]
    if slot >= 0:
        return s[slot]
    if number == SSTATUS:
        return s[MSTATUS] & (SSTATUS_WRITABLE | 3 << 32)
    pending = s[MIP_SOFT] | s[MIP_LINE]
    if number == SIE_CSR:
        return s[MIE] & s[MIDELEG] & SUPERVISOR_INTERRUPTS
    if number == SIP:
        return pending & s[MIDELEG] & SUPERVISOR_INTERRUPTS
    if number == SIE_CSR + TO_VS:
        return (s[MIE] & s[HIDELEG]) >> 1
    if number == SIP + TO_VS:
        return (pending & s[HIDELEG]) >> 1
    if number == HIE:
        return s[MIE] & GUEST_INTERRUPTS
    if number == HIP:
        return pending & GUEST_INTERRUPTS
    if number == HVIP:
        return s[MIP_SOFT] & GUEST_INTERRUPTS
    if number == MIP:
        return pending
    if number == TIME:
        return i64(mtime(s) + s[HTIMEDELTA]) if s[VIRT] else mtime(s)
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
    if s[MISA] & H_BIT and mask >> MPP_SHIFT & 3:
        mask |= MPV | GVA_BIT
    s[MSTATUS] = s[MSTATUS] & ~mask | value & mask
    update_contexts(s, tlb)


def write_atp(s, tlb, number, value):
    """Write satp, vsatp or hgatp.

    A mode that does not exist leaves satp and vsatp as they were, and of hgatp only the mode
    (sections 10.1.11 and 15.2.10).
    """
    slot = CSR_SLOT[number]
    mode = value >> 60 & 15
    if number == HGATP_CSR:
        if mode != 0 and mode != 8:
            mode = s[slot] >> 60 & 15
        # a root of 16 KiB, 14 bits of VMID
        value = value & (0x3FFF << 44 | PPN & ~3) | (HGATP_SV39X4 if mode else 0)
    if mode == 0:  # Bare: the rest has no meaning
        value = 0
    if (mode == 0 or mode == 8) and value != s[slot]:
        s[slot] = value
        update_contexts(s, tlb)


def write_delegation(s, number, slot, value):
    """Write medeleg or mideleg. VS-level interrupts are HS-mode's at least (section 15.4.2)."""
    mask = CSR_MASK[number]
    if s[MISA] & H_BIT and number == MEDELEG_CSR:
        mask |= GUEST_EXCEPTIONS
    s[slot] = s[slot] & ~mask | value & mask


def write_enables(s, number, value):
    """Write mie or one of its views: sie, vsie, hie."""
    guest = GUEST_INTERRUPTS if s[MISA] & H_BIT else 0
    if number == MIE_CSR:
        mask = CSR_MASK[number] | guest
    elif number == SIE_CSR:
        mask = s[MIDELEG] & SUPERVISOR_INTERRUPTS
    elif number == HIE:
        mask = guest
    else:  # vsie: a guest's bits stand where S-mode's do
        mask = s[HIDELEG]
        value <<= 1
    s[MIE] = s[MIE] & ~mask | value & mask


def write_pending(s, number, value):
    """Write mip or one of its views: sip, vsip, hip, hvip."""
    guest = GUEST_INTERRUPTS if s[MISA] & H_BIT else 0
    if number == MIP:
        mask = CSR_MASK[number] | guest & VSSIP
        if s[MENVCFG] & STCE:
            mask &= ~STIP
    elif number == SIP:
        mask = s[MIDELEG] & SSIP
    elif number == HVIP:
        mask = guest
    elif number == HIP:
        mask = VSSIP
    else:  # vsip
        mask = s[HIDELEG] & VSSIP
        value <<= 1
    s[MIP_SOFT] = s[MIP_SOFT] & ~mask | value & mask


def write_csr(s, tlb, number, value):
    """Write an accessible CSR, as far as its fields are writable and the value is legal."""
    slot = CSR_SLOT[number]
    mask = CSR_MASK[number]
    if number == MSTATUS_CSR or number == SSTATUS:
        write_mstatus(s, tlb, value, mask)
    elif number == SATP_CSR or number == SATP_CSR + TO_VS or number == HGATP_CSR:
        write_atp(s, tlb, number, value)
    elif number == STVEC_CSR or number == STVEC_CSR + TO_VS or number == MTVEC_CSR:
        if value & 2 == 0:
            s[slot] = value
    elif number == MEDELEG_CSR or number == MIDELEG_CSR:
        write_delegation(s, number, slot, value)
    elif slot >= 0 and number != MIE_CSR:
        s[slot] = s[slot] & ~mask | value & mask
        if number == SSTATUS + TO_VS:
            update_contexts(s, tlb)
        elif number == MENVCFG_CSR or number == HENVCFG_CSR or number == HTIMEDELTA_CSR:
            if s[MENVCFG] & STCE == 0:
                s[HENVCFG] &= ~STCE
            refresh_timers(s)
        elif number == STIMECMP_CSR or number == STIMECMP_CSR + TO_VS:
            refresh_timers(s)
    elif number == MCYCLE:  # the next instruction reads what was written, hence + 1
        s[CYCLE_OFFSET] = i64(value - (s[CLOCK] + 1))
    elif number == MINSTRET:
        s[INSTRET_OFFSET] = i64(value - (s[CLOCK] - s[IDLE] + 1))
    elif number >= PMPCFG0 and number < PMPADDR0:
        write_pmpcfg(s, (number - PMPCFG0) * 4, value)
        flush_tlb(s, tlb)
    elif number >= PMPADDR0 and number < PMPADDR0 + 16:
        write_pmpaddr(s, number - PMPADDR0, value)
        flush_tlb(s, tlb)
    elif number & 0xFF == MIE_CSR & 0xFF:
        write_enables(s, number, value)
    else:
        write_pending(s, number, value)


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
    right = access_right(s, number, write)
    if right != ALLOWED:
        supervisors = number >> 8 & 3 == 1 and CSR_SLOT[number] != -1
        if s[SILENT] and supervisors and s[PRIV] == 0 and s[VIRT] == 0:
            access_silently(s, number, word >> 7 & 31)
            return
        raise_trap(s, ILLEGAL if right == REFUSED else VIRTUAL_INSTRUCTION, word)
        return
    if s[CSR_WATCHES] and csr_watched(s, number):
        return
    if s[VIRT] and number >> 8 & 3 == 1 and CSR_SLOT[number + TO_VS] != -1:
        number += TO_VS  # a guest's supervisor registers are these (section 15.2.12)
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
