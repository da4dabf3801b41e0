"""Traps: who takes them, what they leave behind, and the way back.

Source: Privileged ISA 20240411, sections 3.1.6 to 3.1.9, 3.1.15, 3.3.2 and 10.1.
"""

from minihv.hw.bits import i64, ltu
from minihv.hw.mmu import update_contexts
from minihv.hw.state import (
    CAUSE,
    CLOCK,
    DEADLINE,
    EXIT,
    EXIT_NONE,
    EXIT_TRAP,
    EXIT_TRAPPED,
    HOST,
    IDLE,
    INTERRUPT,
    LAST_TRAP,
    MCAUSE,
    MEDELEG,
    MENVCFG,
    MEPC,
    MIDELEG,
    MIE,
    MIE_BIT,
    MIP_LINE,
    MIP_SOFT,
    MPIE,
    MPP_SHIFT,
    MPRV,
    MSTATUS,
    MTIMECMP,
    MTVAL,
    MTVEC,
    PC,
    PRIV,
    SCAUSE,
    SEPC,
    SIE,
    SKIP,
    SPIE,
    SPP,
    STCE,
    STIMECMP,
    STOP_ON_TRAP,
    STVAL,
    STVEC,
    TICKS_PER_TIME,
    TIME_OFFSET,
    TRAP_COUNT,
    TRAPS,
    TVAL,
    WAIT,
)

NEVER = (1 << 63) - 1
# External before software before timer, machine before supervisor (section 3.1.9).
MEI, MSI, MTI, SEI, SSI, STI = 11, 3, 7, 9, 1, 5


def take_trap(s, tlb):
    """Deliver the trap in CAUSE and TVAL at PC; returns the reason to leave the loop, or NONE."""
    cause = s[CAUSE]
    code = cause & 63
    delegated = s[MIDELEG] if cause < 0 else s[MEDELEG]
    to_s = s[PRIV] <= 1 and delegated >> code & 1 == 1
    if s[HOST] & (2 if to_s else 1):
        s[EXIT] = EXIT_TRAP
        return EXIT_TRAP
    if s[LAST_TRAP] == s[CLOCK]:  # no progress since the last one: let time pass all the same
        s[CLOCK] += 1
        s[IDLE] += 1
    s[LAST_TRAP] = s[CLOCK]
    s[TRAPS] += 1
    s[SKIP] = -1  # a breakpoint at the handler is another one than at this instruction
    s[TRAP_COUNT + (code & 31) + (32 if cause < 0 else 0)] += 1
    status = s[MSTATUS]
    if to_s:
        status = status & ~(SPIE | SPP | SIE) | (status & SIE) << 4 | s[PRIV] << 8
        s[SEPC] = s[PC]
        s[SCAUSE] = cause
        s[STVAL] = s[TVAL]
        vector = s[STVEC]
        s[PRIV] = 1
    else:
        status = status & ~(MPIE | 3 << MPP_SHIFT | MIE_BIT) | (status & MIE_BIT) << 4
        status |= s[PRIV] << MPP_SHIFT
        s[MEPC] = s[PC]
        s[MCAUSE] = cause
        s[MTVAL] = s[TVAL]
        vector = s[MTVEC]
        s[PRIV] = 3
    s[MSTATUS] = status
    s[PC] = i64((vector & -4) + (4 * code if cause < 0 and vector & 1 else 0))
    s[EXIT] = EXIT_NONE
    update_contexts(s, tlb)
    return EXIT_TRAPPED if s[STOP_ON_TRAP] else EXIT_NONE


def machine_return(s, tlb):
    """mret: privilege and interrupt enable go back to what the trap pushed (section 3.1.6.1)."""
    status = s[MSTATUS]
    priv = status >> MPP_SHIFT & 3
    status = status & ~(MIE_BIT | MPIE | 3 << MPP_SHIFT) | (status & MPIE) >> 4 | MPIE
    if priv != 3:
        status &= ~MPRV
    return_to(s, tlb, priv, status, s[MEPC])


def supervisor_return(s, tlb):
    """sret, likewise."""
    status = s[MSTATUS]
    priv = status >> 8 & 1
    status = status & ~(SIE | SPIE | SPP | MPRV) | (status & SPIE) >> 4 | SPIE
    return_to(s, tlb, priv, status, s[SEPC])


def return_to(s, tlb, priv, status, pc):
    """Continue at `pc` with this privilege and mstatus."""
    s[MSTATUS] = status
    s[PRIV] = priv
    s[PC] = pc
    update_contexts(s, tlb)


# --- interrupts -------------------------------------------------------------------------------


def pending_interrupt(s):
    """The cause code of the interrupt to take now, or -1 (section 3.1.9)."""
    ready = (s[MIP_SOFT] | s[MIP_LINE]) & s[MIE]
    if ready == 0:
        return -1
    priv = s[PRIV]
    chosen = 0
    if priv < 3 or s[MSTATUS] & MIE_BIT:
        chosen = ready & ~s[MIDELEG]
    if chosen == 0 and (priv < 1 or (priv == 1 and s[MSTATUS] & SIE)):
        chosen = ready & s[MIDELEG]
    if chosen == 0:
        return -1
    if chosen & 1 << MEI:
        return MEI
    if chosen & 1 << MSI:
        return MSI
    if chosen & 1 << MTI:
        return MTI
    if chosen & 1 << SEI:
        return SEI
    if chosen & 1 << SSI:
        return SSI
    return STI


def raise_interrupt(s, number):
    """Make the interrupt the trap that is due."""
    s[CAUSE] = INTERRUPT + number
    s[TVAL] = 0
    s[WAIT] = 0


# --- timers -----------------------------------------------------------------------------------


def mtime(s):
    """The real-time counter, in units of 100 ns of guest time."""
    return i64(s[CLOCK] // TICKS_PER_TIME + s[TIME_OFFSET])


def due_clock(s, deadline):
    """The clock at which mtime reaches `deadline` (both unsigned): 0 if it has, maybe NEVER."""
    now = mtime(s)
    if not ltu(now, deadline):
        return 0
    units = s[CLOCK] // TICKS_PER_TIME
    wait = i64(deadline - now)  # < 0 where it is 2**63 or more
    if wait < 0 or wait > NEVER // TICKS_PER_TIME - units:
        return NEVER
    return (units + wait) * TICKS_PER_TIME


def refresh_timers(s):
    """Drive MTIP and STIP from the comparators, and note when to look again (section 3.2.1)."""
    lines = s[MIP_LINE] & ~(1 << MTI | 1 << STI)
    due = due_clock(s, s[MTIMECMP])
    deadline = NEVER
    if s[CLOCK] >= due:
        lines |= 1 << MTI
    else:
        deadline = due
    if s[MENVCFG] & STCE:
        s[MIP_SOFT] &= ~(1 << STI)  # Sstc: the comparator alone drives it, software cannot clear it
        due = due_clock(s, s[STIMECMP])
        if s[CLOCK] >= due:
            lines |= 1 << STI
        elif due < deadline:
            deadline = due
    s[MIP_LINE] = lines
    s[DEADLINE] = deadline
