"""Control and status registers: who may read and write which, and what a write can change.

Each is a row of `registers`; the code here is for those that a row calls special, and for views of
other registers. Source: Privileged ISA 20240411, chapters 2, 3, 10 and 15; Sstc 1.0.
"""

from minihv.hw.bits import i64
from minihv.hw.mmu import PPN, raise_trap
from minihv.hw.pmp import read_pmpcfg, write_pmpaddr, write_pmpcfg
from minihv.hw.state import *
from minihv.hw.tlb import flush_tlb, update_contexts
from minihv.hw.trap import mtime, refresh_timers

SSIP, VSSIP, STIP, SEIP = 1 << SSI, 1 << VSSI, 1 << STI, 1 << SEI
HGATP_SV39X4 = -1 << 63  # its MODE field, 8
REFUSED, ALLOWED, REFUSED_TO_GUEST = 0, 1, 2


# --- who may ------------------------------------------------------------------------------------


def exists(s, number):
    """Return whether this hart has the CSR."""
    return CSR_SLOT[number] != ABSENT and CSR_NEEDS[number] & ~s[MISA] == 0


def access_right(s, number, write):
    """Return whether the hart, as it is, may read (and write) a CSR: ALLOWED, REFUSED, or
    REFUSED_TO_GUEST, which is a virtual-instruction exception (section 15.6.1)."""
    if not exists(s, number) or (write and number >> 10 == 3):
        return REFUSED
    if number >> 5 == 0xC00 >> 5:
        return counter_right(s, 1 << (number & 31))
    slot = CSR_SLOT[number]
    priv = s[PRIV]
    level = number >> 8 & 3
    guest = s[VIRT] != 0
    timer = slot == STIMECMP or slot == VSTIMECMP
    if timer and priv < 3 and (s[MENVCFG] & STCE == 0 or s[MCOUNTEREN] & 2 == 0):
        return REFUSED  # to HS-mode, too (Sstc, section 2.1)
    if guest and (level == 2 or (level == 1 and priv == 0)):
        return REFUSED_TO_GUEST
    if priv < (1 if level == 2 else level):
        return REFUSED
    if timer and guest and (s[HENVCFG] & STCE == 0 or s[HCOUNTEREN] & 2 == 0):
        return REFUSED_TO_GUEST
    if slot == SATP and guest:
        return REFUSED_TO_GUEST if s[HSTATUS] & VTVM else ALLOWED
    if (slot == SATP or slot == HGATP) and priv == 1 and s[MSTATUS] & TVM:
        return REFUSED
    return ALLOWED


def counter_right(s, bit):
    """Return the right to read the counter of this bit: each mode lends it to the one below."""
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
    """Return the value of an accessible CSR."""
    slot = CSR_SLOT[number]
    if slot >= 0:
        return s[slot]
    if slot == SSTATUS:
        return s[MSTATUS] & (SSTATUS_WRITABLE | 3 << 32)
    pending = s[MIP_SOFT] | s[MIP_LINE]
    if slot == SIE_CSR:
        return s[MIE] & s[MIDELEG] & SUPERVISOR_INTERRUPTS
    if slot == SIP:
        return pending & s[MIDELEG] & SUPERVISOR_INTERRUPTS
    if slot == VSIE:
        return (s[MIE] & s[HIDELEG]) >> 1
    if slot == VSIP:
        return (pending & s[HIDELEG]) >> 1
    if slot == HIE:
        return s[MIE] & GUEST_INTERRUPTS
    if slot == HIP:
        return pending & GUEST_INTERRUPTS
    if slot == HVIP:
        return s[MIP_SOFT] & GUEST_INTERRUPTS
    if slot == MIP:
        return pending
    if slot == TIME:
        return i64(mtime(s) + s[HTIMEDELTA]) if s[VIRT] else mtime(s)
    if slot == CYCLE or slot == MCYCLE:
        return i64(s[CLOCK] + s[CYCLE_OFFSET])
    if slot == INSTRET or slot == MINSTRET:
        return i64(s[CLOCK] - s[IDLE] + s[INSTRET_OFFSET])
    return read_pmpcfg(s, 0 if slot == PMPCFG0 else 8)


def write_csr(s, tlb, number, value):
    """Write an accessible CSR, as far as its fields are writable and the value is legal."""
    slot = CSR_SLOT[number]
    mask = CSR_MASK[number]
    if CSR_SPECIAL[number] == 0:
        s[slot] = s[slot] & ~mask | value & mask
    elif slot == MSTATUS or slot == SSTATUS:
        write_mstatus(s, tlb, value, mask)
    elif slot == SATP or slot == VSATP or slot == HGATP:
        write_atp(s, tlb, slot, value)
    elif slot == STVEC or slot == VSTVEC or slot == MTVEC:
        if value & 2 == 0:
            s[slot] = value
    elif slot == MEDELEG or slot == MIDELEG:
        write_delegation(s, slot, mask, value)
    elif slot == MIE or slot == SIE_CSR or slot == HIE or slot == VSIE:
        write_enables(s, slot, mask, value)
    elif slot == MIP or slot == SIP or slot == HIP or slot == HVIP or slot == VSIP:
        write_pending(s, slot, mask, value)
    elif slot == MCYCLE:  # the next instruction reads what was written, hence + 1
        s[CYCLE_OFFSET] = i64(value - (s[CLOCK] + 1))
    elif slot == MINSTRET:
        s[INSTRET_OFFSET] = i64(value - (s[CLOCK] - s[IDLE] + 1))
    elif slot == PMPCFG0 or slot == PMPCFG2:
        write_pmpcfg(s, 0 if slot == PMPCFG0 else 8, value)
        flush_tlb(s, tlb)
    elif slot >= PMPADDR and slot < PMPADDR + 16:
        write_pmpaddr(s, slot - PMPADDR, value)
        flush_tlb(s, tlb)
    elif slot >= 0:  # a plain value that something follows from
        s[slot] = s[slot] & ~mask | value & mask
        if slot == VSSTATUS:
            update_contexts(s, tlb)
        else:
            if s[SVADE]:
                s[MENVCFG] &= ~ADUE
            s[HENVCFG] &= s[MENVCFG] | ~(STCE | ADUE)  # what M-mode does not grant is 0 there
            refresh_timers(s)


def write_mstatus(s, tlb, value, mask):
    """Write those bits of mstatus; the reserved MPP value 2 leaves MPP as it was."""
    if value >> MPP_SHIFT & 3 == 2:
        mask &= ~(3 << MPP_SHIFT)
    if s[MISA] & H_BIT and mask >> MPP_SHIFT & 3:
        mask |= MPV | GVA_BIT
    s[MSTATUS] = s[MSTATUS] & ~mask | value & mask
    update_contexts(s, tlb)


def write_atp(s, tlb, slot, value):
    """Write satp, vsatp or hgatp.

    A mode that does not exist leaves satp and vsatp as they were, and of hgatp only the mode
    (sections 10.1.11 and 15.2.10).
    """
    mode = value >> 60 & 15
    if slot == HGATP:
        if mode != 0 and mode != 8:
            mode = s[slot] >> 60 & 15
        # a root of 16 KiB, 14 bits of VMID
        value = value & (0x3FFF << 44 | PPN & ~3) | (HGATP_SV39X4 if mode else 0)
    if mode == 0:  # Bare: the rest has no meaning
        value = 0
    if (mode == 0 or mode == 8) and value != s[slot]:
        s[slot] = value
        update_contexts(s, tlb)


def write_delegation(s, slot, mask, value):
    """Write medeleg or mideleg. VS-level interrupts are HS-mode's at least (section 15.4.2)."""
    if s[MISA] & H_BIT and slot == MEDELEG:
        mask |= GUEST_EXCEPTIONS
    s[slot] = s[slot] & ~mask | value & mask


def write_enables(s, slot, mask, value):
    """Write mie or one of its views: sie, vsie, hie."""
    if slot == MIE:
        mask |= GUEST_INTERRUPTS if s[MISA] & H_BIT else 0
    elif slot == SIE_CSR:
        mask &= s[MIDELEG]
    elif slot == VSIE:  # a guest's bits are where S-mode's are
        mask = s[HIDELEG]
        value <<= 1
    s[MIE] = s[MIE] & ~mask | value & mask


def write_pending(s, slot, mask, value):
    """Write mip or one of its views: sip, vsip, hip, hvip."""
    if slot == MIP:
        mask |= VSSIP if s[MISA] & H_BIT else 0
        if s[MENVCFG] & STCE:
            mask &= ~STIP
    elif slot == SIP:
        mask &= s[MIDELEG]
    elif slot == VSIP:
        mask = s[HIDELEG] & VSSIP
        value <<= 1
    s[MIP_SOFT] = s[MIP_SOFT] & ~mask | value & mask


def csr_watched(s, number):
    """Return whether the host watches this CSR and has not yet been told of this access."""
    if s[SKIP] == s[CLOCK]:
        return False
    for k in range(s[CSR_WATCHES]):
        if s[CSR_WATCH + k] == number:
            s[SKIP] = s[CLOCK]
            s[EXIT] = EXIT_WATCHPOINT
            return True
    return False


def access_silently(s, number, rd):
    """Do what a machine that is not classically virtualizable does instead of trapping.

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
        supervisors = number >> 8 & 3 == 1 and CSR_SLOT[number] != ABSENT
        if s[SILENT] and supervisors and s[PRIV] == 0 and s[VIRT] == 0:
            access_silently(s, number, word >> 7 & 31)
            return
        raise_trap(s, ILLEGAL if right == REFUSED else VIRTUAL_INSTRUCTION, word)
        return
    if s[CSR_WATCHES] and csr_watched(s, number):
        return
    if s[VIRT] and number >> 8 == 1 and CSR_SLOT[number + TO_VS] != ABSENT:
        number += TO_VS  # a guest's supervisor registers are these (section 15.2.12)
    operand = field if word >> 14 & 1 else s[field]
    old = read_csr(s, number)
    if write:
        # SEIP as software wrote it, not as the line drives it, goes back (section 3.1.9)
        base = old & ~SEIP | s[MIP_SOFT] & SEIP if CSR_SLOT[number] == MIP else old
        if kind == 2:
            operand = base | operand
        elif kind == 3:
            operand = base & ~operand
        write_csr(s, tlb, number, operand)
    rd = word >> 7 & 31
    s[SINK if rd == 0 else rd] = old
