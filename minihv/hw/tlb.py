"""The TLB: translations kept, and the names of the address spaces that they belong to.

One direct-mapped array per hart holds four parts (read, write, fetch, and "beside": writes to pages
that hold code as well). An entry is two slots:

    tag      63 .. 12         11 .. 7   6 5     4 3    2 .. 0
             virtual page     space     flags   priv   0
    addend   offset into RAM - va

The run loop compares the tag with va & (-4096 | size - 1) | context: a misaligned access never
matches, and is taken to the slow path (`access`), as is all that is not plain RAM. The context is
the hart's present space and rights: a space is a number for satp (or for vsatp and hgatp) which
`space_number` gives out, the flags are SUM and MXR, so no trap has to flush.

Invariant: an entry exists only where every byte of the page may be accessed so, in RAM; a write
entry only if the page is dirty and holds no decoded code, tohost or watchpoint. With code in it, it
has an entry in the fourth part, and who stores by that looks whether the store hits code.
"""

from minihv.hw.mmu import data_privilege, data_virtual, locate
from minihv.hw.pmp import pmp_uniform
from minihv.hw.state import *

# --- contexts and flushes ---------------------------------------------------------------------


def flush_tlb(s, tlb):
    """Forget all translations, by retiring the names of the spaces in use."""
    for k in range(1, s[SPACES_USED] + 1):
        s[SPACE + k] = -1
    s[SUPERPAGES] = 0
    update_contexts(s, tlb)


def space_number(s, satp, guest):
    """Return the number (1..31) under which the TLB keeps what is translated by `satp` and `guest`.

    guest: 0 if V is 0, else what the second stage depends on (see `guest_key`).
    """
    used = s[SPACES_USED]
    for k in range(1, used + 1):
        if s[SPACE + k] == satp and s[SPACE_GUEST + k] == guest:
            return k
    s[SPACES_USED] = used + 1
    s[SPACE + used + 1] = satp
    s[SPACE_GUEST + used + 1] = guest
    return used + 1


def guest_key(s):
    """Return what the G-stage depends on: hgatp (its low two bits are 0), V, and MXR of HS-mode."""
    return s[HGATP] | 1 | (2 if s[MSTATUS] & MXR else 0)


def regime_number(s, priv, virtual):
    """Return the number of the space that accesses at this privilege are translated in."""
    if virtual:
        return space_number(s, s[VSATP], guest_key(s))
    return space_number(s, 0 if priv == 3 else s[SATP], 0)


def update_contexts(s, tlb):
    """Recompute both contexts, after privilege, V, a status register or an atp changed."""
    if s[SPACES_USED] >= 30:  # the two numbers below must come from one generation of names
        for e in range(0, TLB_SLOTS, 2):
            tlb[e] = 0
        for k in range(32):
            s[SPACE + k] = -1
        s[SPACES_USED] = 0
        s[SUPERPAGES] = 0
    priv = s[PRIV]
    s[FETCH_CONTEXT] = (regime_number(s, priv, s[VIRT]) << 4 | priv) << 3
    priv = data_privilege(s)
    virtual = data_virtual(s)
    flags = (s[VSSTATUS] if virtual else s[MSTATUS]) >> 16 & 12  # SUM and MXR
    s[DATA_CONTEXT] = (regime_number(s, priv, virtual) << 4 | flags | priv) << 3


def flush_page(s, tlb, va):
    """Forget the translations of one virtual page, in every space."""
    e = (va >> 12 & TLB_ENTRIES - 1) << 1
    tlb[e] = 0
    tlb[TLB_WRITE + e] = 0
    tlb[TLB_FETCH + e] = 0
    tlb[TLB_BESIDE + e] = 0


# --- asking and filling -----------------------------------------------------------------------


def reachable(s, r64, page_flags, code, code_of, va, access):
    """Return the physical address of an access, for a host that translates in place of the hart:
    -1, and nothing has happened, if it is a fault or if more than page and mode decide about it."""
    reads = s[WALK_READS]
    pa = locate(s, r64, page_flags, code, code_of, va, 1, access)
    offset = pa - RAM_BASE
    if s[EXIT] == 0 and offset >= 0 and offset < s[RAM_SIZE]:
        other = access != FETCH and s[MSTATUS] & MPRV and data_privilege(s) != s[PRIV]
        if page_flags[offset >> 12] & PAGE_SLOW == 0 and not other and pmp_uniform(s, pa & -4096):
            return pa
    s[EXIT] = EXIT_NONE
    s[WALK_READS] = reads
    return -1


def translate(s, tlb, r64, page_flags, code, code_of, va, size, access):
    """As `locate`, with the TLB, which is filled if the invariant at the top allows it."""
    if s[GUEST_ACCESS]:
        return locate(s, r64, page_flags, code, code_of, va, size, access)
    part = TLB_FETCH if access == FETCH else (TLB_WRITE if access == WRITE else 0)
    tag = va & -4096 | (s[FETCH_CONTEXT] if access == FETCH else s[DATA_CONTEXT])
    e = part + ((va >> 12 & TLB_ENTRIES - 1) << 1)
    if tlb[e] == tag:
        return va + tlb[e + 1] + RAM_BASE
    if access == WRITE and tlb[TLB_BESIDE - TLB_WRITE + e] == tag:
        return va + tlb[TLB_BESIDE - TLB_WRITE + e + 1] + RAM_BASE
    s[TLB_MISSES] += 1
    pa = locate(s, r64, page_flags, code, code_of, va, size, access)
    if pa == -1:
        return -1
    offset = pa - RAM_BASE
    if offset < 0 or offset >= s[RAM_SIZE] or not pmp_uniform(s, pa & -4096):
        return pa
    flags = page_flags[offset >> 12]
    if access == WRITE:
        if flags & (PAGE_SLOW | PAGE_DIRTY) != PAGE_DIRTY:
            return pa
        if flags & PAGE_CODE:
            e += TLB_BESIDE - TLB_WRITE
    elif access == READ and flags & PAGE_SLOW:
        return pa
    tlb[e] = tag
    tlb[e + 1] = offset - va
    return pa
