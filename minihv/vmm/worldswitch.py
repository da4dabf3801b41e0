"""The world switch: a guest's registers go to the hart, and what it changed comes back.

Which register goes where follows from its row in `hw.registers`, by region. So a new register
travels as its row says, and only what changes its form on the way is written here.

    virtual CPU               a hart that runs it in       a hart that runs it in
    (a hart without H)        U-mode: trap and emulate     VS- and VU-mode: hardware assistance

    USER     x, pc, clock     <--> USER                    <--> USER
    KERNEL   priv, traps                                   <--> KERNEL
    TWIN     stvec, sepc                                   <--> VS_COPY  vstvec, vsepc
    VIRTUAL  mstatus                                       <--> vsstatus
             mie, mip                                      <--> the same, one bit further left
             time_offset                                    --> htimedelta
             menvcfg                                        --> henvcfg
             satp                                          <--  vsatp, if it is the guest's own
             all others                                    stay: an access is an exit
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minihv.hw import state as st
from minihv.hw.registers import RESET, Whose, region
from minihv.hw.tlb import update_contexts
from minihv.hw.trap import refresh_timers

if TYPE_CHECKING:
    from minihv.hw.hart import Hart
    from minihv.vmm.vcpu import VCPU

USER, KERNEL, TWIN, VS_COPY = map(region, (Whose.USER, Whose.KERNEL, Whose.TWIN, Whose.VS_COPY))
GUEST = slice(USER.start, KERNEL.stop)  # USER and KERNEL are neighbours: one copy
FRESH = memoryview(np.array([RESET.get(k, 0) for k in range(KERNEL.start, KERNEL.stop)], np.int64))
SSI, STI = 1 << st.SSI, 1 << st.STI


# --- a guest in U-mode ----------------------------------------------------------------------------


def to_user(vcpu: VCPU, hart: Hart) -> None:
    """Give the hart what the guest can touch without a trap."""
    v, s = vcpu.s, hart.s
    s[USER] = v[USER]
    s[st.MISALIGNED] = v[st.MISALIGNED]
    reserved = v[st.RESERVATION]  # a gpa, or -1
    s[st.RESERVATION] = reserved if reserved < 0 else reserved + vcpu.memory.offset
    if v[st.BREAKPOINTS] or s[st.BREAKPOINTS]:
        copy_stops(v, s)


def from_user(vcpu: VCPU, hart: Hart) -> None:
    """Take it back."""
    v, s = vcpu.s, hart.s
    v[USER] = s[USER]
    if s[st.BREAKPOINTS]:
        v[st.SKIP] = s[st.SKIP]
    reserved = s[st.RESERVATION]
    v[st.RESERVATION] = reserved if reserved < 0 else reserved - vcpu.memory.offset


def deprivilege(hart: Hart) -> None:
    """Put a hart that ran a guest in VS-mode into U-mode; nothing of that guest is left."""
    s = hart.s
    s[KERNEL] = FRESH  # PRIV is 0 in it
    s[st.VIRT] = s[st.MIE] = s[st.MIP_SOFT] = s[st.MIP_LINE] = s[st.HENVCFG] = 0
    s[st.CSR_WATCHES] = 0
    update_contexts(s, hart.tlb)


# --- a guest in VS- and VU-mode -------------------------------------------------------------------


def enter_guest_mode(hart: Hart) -> None:
    """Set what all guests of this mode have in common: the timer and the counters are theirs."""
    s = hart.s
    s[st.VIRT] = 1
    s[st.HCOUNTEREN] = st.COUNTERS
    s[st.HIDELEG] = st.GUEST_INTERRUPTS


def load(vcpu: VCPU, hart: Hart) -> None:
    """Load the guest's registers, its supervisor's as VS-mode's, its interrupts as by hvip."""
    v, s = vcpu.s, hart.s
    s[GUEST] = v[GUEST]
    s[VS_COPY] = v[TWIN]
    reserved = v[st.RESERVATION]  # a gpa, or -1
    s[st.RESERVATION] = reserved if reserved < 0 else reserved + vcpu.memory.offset
    s[st.VSSTATUS] = v[st.MSTATUS] & st.SSTATUS_WRITABLE | st.UXL
    s[st.HTIMEDELTA] = v[st.TIME_OFFSET]
    s[st.HENVCFG] = v[st.MENVCFG]
    pending = v[st.MIP_SOFT] | v[st.MIP_LINE] & ~STI
    s[st.MIP_SOFT] = (pending & st.SUPERVISOR_INTERRUPTS) << 1
    s[st.MIP_LINE] = (v[st.MIP_LINE] & STI) << 1  # its comparator is in vstimecmp
    s[st.MIE] = (v[st.MIE] & st.SUPERVISOR_INTERRUPTS) << 1
    if v[st.BREAKPOINTS] or v[st.CSR_WATCHES] or s[st.BREAKPOINTS] or s[st.CSR_WATCHES]:
        copy_stops(v, s)


def unload(vcpu: VCPU, hart: Hart) -> None:
    """Take back all that the guest can have changed."""
    v, s = vcpu.s, hart.s
    timer = v[st.DEADLINE], v[st.STIMECMP]
    v[GUEST] = s[GUEST]
    v[TWIN] = s[VS_COPY]
    reserved = s[st.RESERVATION]
    v[st.RESERVATION] = reserved if reserved < 0 else reserved - vcpu.memory.offset
    sstatus, enabled = st.SSTATUS_WRITABLE, st.SUPERVISOR_INTERRUPTS
    v[st.MSTATUS] = v[st.MSTATUS] & ~sstatus | s[st.VSSTATUS] & sstatus
    v[st.MIE] = v[st.MIE] & ~enabled | s[st.MIE] >> 1 & enabled
    v[st.MIP_SOFT] = v[st.MIP_SOFT] & ~SSI | s[st.MIP_SOFT] >> 1 & SSI
    if not s[st.HSTATUS] & st.VTVM:  # satp is no exit
        v[st.SATP] = s[st.VSATP]
    if s[st.BREAKPOINTS] or s[st.CSR_WATCHES]:
        v[st.SKIP] = s[st.SKIP]
    if timer != (v[st.DEADLINE], v[st.STIMECMP]):
        refresh_timers(v)


def copy_stops(v: memoryview, s: memoryview) -> None:
    """Let the hart stop at the guest's breakpoints, which are guest-virtual addresses.

    And at its accesses to watched CSRs, if those are no exits. What is watched in memory is not
    mapped, and so is an exit.
    """
    s[st.BREAKPOINTS] = v[st.BREAKPOINTS]
    s[st.CSR_WATCHES] = v[st.CSR_WATCHES]
    for some in (slice(st.BREAKPOINT, st.WATCHPOINT), slice(st.CSR_WATCH, st.CSR_WATCH + 8)):
        s[some] = v[some]
    s[st.SKIP] = v[st.SKIP]
