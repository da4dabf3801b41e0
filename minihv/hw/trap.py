"""Traps: who takes them, what they leave, and the way back.

Source: Privileged ISA 20240411, sections 3.1.6 to 3.1.9, 3.1.15, 3.3.2, 10.1 and 15.6.
"""

from minihv.hw.bits import i64, ltu
from minihv.hw.mmu import raise_trap
from minihv.hw.state import *
from minihv.hw.tlb import update_contexts

# External before software before timer, machine before supervisor before guest (section 15.4.2).
PRIORITY = (MEI, MSI, MTI, SEI, SSI, STI, VSEI, VSSI, VSTI)


def take_trap(s, tlb):
    """Deliver the trap in CAUSE and TVAL at PC; return the reason to leave the loop, or NONE."""
    cause = s[CAUSE]
    code = cause & 63
    to_s = s[PRIV] <= 1 and (s[MIDELEG] if cause < 0 else s[MEDELEG]) >> code & 1 == 1
    to_guest = to_s and s[VIRT] and (s[HIDELEG] if cause < 0 else s[HEDELEG]) >> code & 1 == 1
    if not to_guest and s[HOST] & (2 if to_s else 1):
        s[EXIT] = EXIT_TRAP
        return EXIT_TRAP
    if s[LAST_TRAP] == s[CLOCK]:  # no progress since the last one: let time pass all the same
        s[CLOCK] += 1
        s[IDLE] += 1
    s[LAST_TRAP] = s[CLOCK]
    s[TRAPS] += 1
    s[SKIP] = -1  # a breakpoint at the handler is another one than at this instruction
    s[TRAP_COUNT + (code & 31) + (32 if cause < 0 else 0)] += 1
    if to_guest:
        vector = enter_guest_supervisor(s, cause)
    elif to_s:
        vector = enter_supervisor(s, cause, code)
    else:
        vector = enter_machine(s, cause, code)
    s[PC] = i64((vector & -4) + (4 * (s[CAUSE] & 63) if cause < 0 and vector & 1 else 0))
    s[EXIT] = EXIT_NONE
    update_contexts(s, tlb)
    return EXIT_TRAPPED if s[STOP_ON_TRAP] else EXIT_NONE


def deliver(s, tlb, cause, tval):
    """Raise a trap at PC and deliver it, for a host."""
    raise_trap(s, cause, tval)
    return take_trap(s, tlb)


def guest_address(s, cause, number):
    """Return whether tval holds a guest-virtual address: the bit GVA (section 15.2.1)."""
    if cause < 0 or ADDRESS_CAUSES >> number & 1 == 0:
        return False
    return s[VIRT] != 0 if FETCH_CAUSES >> number & 1 else s[GUEST_VA] != 0


def pushed(status, priv):
    """sstatus or vsstatus after a trap from `priv` into S- or VS-mode."""
    return status & ~(SPIE | SPP | SIE) | (status & SIE) << 4 | priv << 8


def enter_guest_supervisor(s, cause):
    """Take a trap into VS-mode; return its vector. Its interrupts are numbered as in S-mode."""
    if cause < 0:
        cause -= 1
        s[CAUSE] = cause
    s[VSSTATUS] = pushed(s[VSSTATUS], s[PRIV])
    s[VSEPC] = s[PC]
    s[VSCAUSE] = cause
    s[VSTVAL] = s[TVAL]
    s[PRIV] = 1
    return s[VSTVEC]


def enter_supervisor(s, cause, number):
    """Take a trap into S-mode (HS-mode); return its vector."""
    hstatus = s[HSTATUS] & ~(SPV | HS_GVA)
    if guest_address(s, cause, number):
        hstatus |= HS_GVA
    if s[VIRT]:
        hstatus = hstatus & ~SPVP | SPV | s[PRIV] << 8
    s[HSTATUS] = hstatus
    s[HTVAL] = s[GPA]
    s[HTINST] = s[TINST]
    s[MSTATUS] = pushed(s[MSTATUS], s[PRIV])
    s[SEPC] = s[PC]
    s[SCAUSE] = cause
    s[STVAL] = s[TVAL]
    s[PRIV] = 1
    s[VIRT] = 0
    return s[STVEC]


def enter_machine(s, cause, number):
    """Take a trap into M-mode; return its vector."""
    status = s[MSTATUS]
    status = status & ~(MPIE | 3 << MPP_SHIFT | MIE_BIT | MPV | GVA_BIT) | (status & MIE_BIT) << 4
    status |= s[PRIV] << MPP_SHIFT
    if s[VIRT]:
        status |= MPV
    if guest_address(s, cause, number):
        status |= GVA_BIT
    s[MSTATUS] = status
    s[MTVAL2] = s[GPA]
    s[MTINST] = s[TINST]
    s[MEPC] = s[PC]
    s[MCAUSE] = cause
    s[MTVAL] = s[TVAL]
    s[PRIV] = 3
    s[VIRT] = 0
    return s[MTVEC]


def machine_return(s, tlb):
    """mret: privilege, V and interrupt enable go back to what the trap pushed (15.6.5)."""
    status = s[MSTATUS]
    priv = status >> MPP_SHIFT & 3
    virtual = 1 if status & MPV and priv != 3 else 0
    status = status & ~(MIE_BIT | MPIE | 3 << MPP_SHIFT | MPV) | (status & MPIE) >> 4 | MPIE
    if priv != 3:
        status &= ~MPRV
    s[MSTATUS] = status
    return_to(s, tlb, priv, virtual, s[MEPC])


def supervisor_return(s, tlb):
    """sret, likewise; in VS-mode it looks at vsstatus and stays in the guest."""
    virtual = s[VIRT]
    status = s[VSSTATUS] if virtual else s[MSTATUS]
    priv = status >> 8 & 1
    status = status & ~(SIE | SPIE | SPP) | (status & SPIE) >> 4 | SPIE
    if virtual:
        s[VSSTATUS] = status
        s[MSTATUS] &= ~MPRV
        return_to(s, tlb, priv, 1, s[VSEPC])
    else:
        virtual = 1 if s[HSTATUS] & SPV else 0
        s[HSTATUS] &= ~SPV
        s[MSTATUS] = status & ~MPRV
        return_to(s, tlb, priv, virtual, s[SEPC])


def return_to(s, tlb, priv, virtual, pc):
    """Continue at `pc` with this privilege and V."""
    s[PRIV] = priv
    s[VIRT] = virtual
    s[PC] = pc
    update_contexts(s, tlb)


# --- interrupts -------------------------------------------------------------------------------


def pending_interrupt(s):
    """Return the code of the interrupt to take now, or -1 (section 3.1.9)."""
    ready = (s[MIP_SOFT] | s[MIP_LINE]) & s[MIE]
    if ready == 0:
        return -1
    priv = s[PRIV]
    virtual = s[VIRT]
    chosen = 0
    if priv < 3 or s[MSTATUS] & MIE_BIT:
        chosen = ready & ~s[MIDELEG]
    if chosen == 0 and (virtual or priv < 1 or (priv == 1 and s[MSTATUS] & SIE)):
        chosen = ready & s[MIDELEG] & ~s[HIDELEG]
    if chosen == 0 and virtual and (priv < 1 or s[VSSTATUS] & SIE):
        chosen = ready & s[MIDELEG] & s[HIDELEG]
    if chosen:
        for code in PRIORITY:
            if chosen >> code & 1:
                return code
    return -1


def raise_interrupt(s, number):
    """Raise an interrupt: the trap that `take_trap` will deliver."""
    s[CAUSE] = INTERRUPT + number
    s[TVAL] = 0
    s[GPA] = 0
    s[TINST] = 0
    s[WAIT] = 0


def settle(s, tlb, stop):
    """Do what comes before an instruction: look at timers, wait, take interrupts.

    Return the reason to leave (EXIT_*), or NONE if the guest can go on.
    """
    while True:
        if s[CLOCK] >= s[DEADLINE]:
            refresh_timers(s)
        if s[CLOCK] >= stop:
            return EXIT_BUDGET
        if s[WAIT]:
            if (s[MIP_SOFT] | s[MIP_LINE]) & s[MIE] == 0:
                until = min(stop, s[DEADLINE])
                s[IDLE] += until - s[CLOCK]
                s[WAITED] += until - s[CLOCK]
                s[CLOCK] = until
                continue
            s[WAIT] = 0
        interrupt = pending_interrupt(s)
        if interrupt < 0:
            return EXIT_NONE
        raise_interrupt(s, interrupt)
        reason = take_trap(s, tlb)
        if reason:
            return reason


# --- timers -----------------------------------------------------------------------------------


def mtime(s):
    """Return the real-time counter, in units of 100 ns of guest time."""
    return i64(s[CLOCK] // TICKS_PER_TIME + s[TIME_OFFSET])


def due_clock(s, now, deadline):
    """Return the clock at which a counter that shows `now` reaches `deadline` (both unsigned).

    0 if it has already; maybe NEVER.
    """
    if not ltu(now, deadline):
        return 0
    units = s[CLOCK] // TICKS_PER_TIME
    wait = i64(deadline - now)  # < 0 if it is 2**63 or more
    if wait < 0 or wait > NEVER // TICKS_PER_TIME - units:
        return NEVER
    return (units + wait) * TICKS_PER_TIME


def refresh_timers(s):
    """Drive MTIP, STIP and VSTIP from the comparators, and note when to look again (3.2.1)."""
    lines = s[MIP_LINE] & ~(1 << MTI | 1 << STI | 1 << VSTI)
    now = mtime(s)
    due = due_clock(s, now, s[MTIMECMP])
    deadline = NEVER
    if s[CLOCK] >= due:
        lines |= 1 << MTI
    else:
        deadline = due
    if s[MENVCFG] & STCE:
        s[MIP_SOFT] &= ~(1 << STI)  # Sstc: the comparator alone drives it, software cannot clear it
        due = due_clock(s, now, s[STIMECMP])
        if s[CLOCK] >= due:
            lines |= 1 << STI
        elif due < deadline:
            deadline = due
        if s[HENVCFG] & STCE:
            due = due_clock(s, i64(now + s[HTIMEDELTA]), s[VSTIMECMP])
            if s[CLOCK] >= due:
                lines |= 1 << VSTI
            elif due < deadline:
                deadline = due
    s[MIP_LINE] = lines
    s[DEADLINE] = deadline
