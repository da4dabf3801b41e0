"""Address translation: Sv39, the TLB behind the fast path, and memory's slow path.

One direct-mapped TLB array per hart holds three parts (read, write, fetch). An entry is two
slots: a tag, which is the virtual page | context << 3, and what to add to a virtual address to
get an offset into RAM. The context numbers the translation regime (a value of satp) and what the
access may do (privilege, SUM, MXR), so no trap has to flush. The low three bits of a tag are 0:
a misaligned access never matches and comes here, as does everything that is not plain RAM.

Invariant: an entry exists only where every byte of the page may be accessed so, in RAM; a write
entry only where the page is dirty and holds no decoded code, tohost or watchpoint.

Source: Privileged ISA 20240411, sections 10.3 to 10.4 (satp, Sv39).
"""

from minihv.hw.bits import i8, i16, i32, i64, sll, srl
from minihv.hw.pmp import beyond, pmp_allows, pmp_uniform
from minihv.hw.state import (
    ACCESS_ADDRESS,
    ACCESS_KIND,
    ACCESS_VALUE,
    CAUSE,
    CLOCK,
    CODE_STRIDE,
    DATA_CONTEXT,
    EXIT,
    EXIT_MMIO,
    EXIT_TRAP,
    EXIT_WATCHPOINT,
    FETCH,
    FETCH_ACCESS,
    FETCH_CONTEXT,
    FETCH_PAGE_FAULT,
    LOAD_ACCESS,
    LOAD_MISALIGNED,
    LOAD_PAGE_FAULT,
    MISALIGNED,
    MPP_SHIFT,
    MPRV,
    MSTATUS,
    MXR,
    PAGE_CODE,
    PAGE_DIRTY,
    PAGE_REGION,
    PAGE_SLOW,
    PRIV,
    RAM_BASE,
    RAM_SIZE,
    READ,
    SATP,
    SKIP,
    SPACE,
    SPACES_USED,
    STORE_ACCESS,
    STORE_MISALIGNED,
    STORE_PAGE_FAULT,
    SUM,
    SUPERPAGES,
    SVADE,
    TLB_ENTRIES,
    TLB_FETCH,
    TLB_SLOTS,
    TLB_WRITE,
    TOHOST,
    TVAL,
    WATCHPOINT,
    WATCHPOINTS,
    WRITE,
)

PTE_V, PTE_R, PTE_W, PTE_X, PTE_U, PTE_A, PTE_D = 1, 2, 4, 8, 16, 64, 128
PTE_RESERVED = -(1 << 54)  # N, PBMT and the reserved bits 60..54: must be 0
LEVELS = 3  # of Sv39


# --- faults -----------------------------------------------------------------------------------


def raise_trap(s, cause, tval):
    """Make a trap due; the loop delivers it before the next instruction."""
    s[EXIT] = EXIT_TRAP
    s[CAUSE] = cause
    s[TVAL] = tval


def fault(s, access, va, page_fault):
    """Raise the page fault or access fault that belongs to `access`."""
    if access == FETCH:
        raise_trap(s, FETCH_PAGE_FAULT if page_fault else FETCH_ACCESS, va)
    elif access == READ:
        raise_trap(s, LOAD_PAGE_FAULT if page_fault else LOAD_ACCESS, va)
    else:
        raise_trap(s, STORE_PAGE_FAULT if page_fault else STORE_ACCESS, va)


# --- contexts and flushes ---------------------------------------------------------------------


def flush_tlb(s, tlb):
    """Forget all translations, by retiring the names of the spaces in use."""
    for k in range(1, s[SPACES_USED] + 1):
        s[SPACE + k] = -1
    s[SUPERPAGES] = 0
    update_contexts(s, tlb)


def space_number(s, satp):
    """The number (1..31) under which the TLB keeps translations made under this `satp`."""
    used = s[SPACES_USED]
    for k in range(1, used + 1):
        if s[SPACE + k] == satp:
            return k
    s[SPACES_USED] = used + 1
    s[SPACE + used + 1] = satp
    return used + 1


def data_privilege(s):
    """The privilege at which loads and stores act (MPRV, section 3.1.6.3)."""
    if s[MSTATUS] & MPRV:
        return s[MSTATUS] >> MPP_SHIFT & 3
    return s[PRIV]


def update_contexts(s, tlb):
    """Recompute both contexts; due when privilege, mstatus or satp changed."""
    if s[SPACES_USED] >= 30:  # the two numbers below must come from one generation of names
        for e in range(0, TLB_SLOTS, 2):
            tlb[e] = 0
        for k in range(32):
            s[SPACE + k] = -1
        s[SPACES_USED] = 0
        s[SUPERPAGES] = 0
    priv = s[PRIV]
    data = data_privilege(s)
    s[FETCH_CONTEXT] = (space_number(s, 0 if priv == 3 else s[SATP]) << 4 | priv) << 3
    flags = s[MSTATUS] >> 16 & 12  # SUM and MXR
    s[DATA_CONTEXT] = (space_number(s, 0 if data == 3 else s[SATP]) << 4 | flags | data) << 3


def flush_page(s, tlb, va):
    """Forget the translations of one virtual page, in every space."""
    e = (va >> 12 & TLB_ENTRIES - 1) << 1
    tlb[e] = 0
    tlb[TLB_WRITE + e] = 0
    tlb[TLB_FETCH + e] = 0


# --- the walk ---------------------------------------------------------------------------------


def permitted(s, pte, access, priv):
    """Whether a leaf PTE allows `access` at `priv` (section 10.3.1: U, SUM, MXR)."""
    if priv == 0 and pte & PTE_U == 0:
        return False
    if priv == 1 and pte & PTE_U and (access == FETCH or s[MSTATUS] & SUM == 0):
        return False
    if access == FETCH:
        return pte & PTE_X != 0
    if access == WRITE:
        return pte & PTE_W != 0
    return pte & PTE_R != 0 or (pte & PTE_X != 0 and s[MSTATUS] & MXR != 0)


def walk(s, r64, pf, code, cof, va, access, priv):
    """Walk Sv39 for `va` (section 10.3.2); the physical address, or -1 with a trap raised."""
    if va >> 38 != 0 and va >> 38 != -1:
        fault(s, access, va, True)
        return -1
    table = (s[SATP] & ((1 << 44) - 1)) << 12
    for level in range(LEVELS - 1, -1, -1):
        shift = 12 + 9 * level
        address = table + (va >> shift & 511) * 8
        offset = address - RAM_BASE
        if offset < 0 or offset >= s[RAM_SIZE] or not pmp_allows(s, address, 8, READ, 1):
            fault(s, access, va, False)
            return -1
        pte = r64[offset >> 3]
        if pte & PTE_V == 0 or pte & (PTE_R | PTE_W) == PTE_W or pte & PTE_RESERVED:
            break
        if pte & (PTE_R | PTE_X) == 0:
            if pte & (PTE_U | PTE_A | PTE_D):
                break
            table = (pte >> 10 & ((1 << 44) - 1)) << 12
            continue
        ppn = pte >> 10 & ((1 << 44) - 1)
        if not permitted(s, pte, access, priv) or ppn & ((1 << 9 * level) - 1):
            break
        wanted = PTE_A | PTE_D if access == WRITE else PTE_A
        if pte & wanted != wanted:
            if s[SVADE]:
                break
            if not pmp_allows(s, address, 8, WRITE, 1):
                fault(s, access, va, False)
                return -1
            r64[offset >> 3] = pte | wanted
            touch(s, pf, code, cof, offset, 8)
        if level:
            s[SUPERPAGES] = 1
        return ppn << 12 | va & ((1 << shift) - 1)
    fault(s, access, va, True)
    return -1


def translate(s, tlb, r64, pf, code, cof, va, size, access):
    """The physical address for an access that stays in one page, or -1 with a trap raised.

    Fills the TLB where the invariant at the top of this file allows it.
    """
    priv = s[PRIV] if access == FETCH else data_privilege(s)
    if priv == 3 or s[SATP] == 0:
        pa = va
        if beyond(va):
            fault(s, access, va, False)
            return -1
    else:
        pa = walk(s, r64, pf, code, cof, va, access, priv)
        if pa == -1:
            return -1
    if not pmp_allows(s, pa, size, access, priv):
        fault(s, access, va, False)
        return -1
    offset = pa - RAM_BASE
    if offset < 0 or offset >= s[RAM_SIZE] or not pmp_uniform(s, pa & -4096):
        return pa
    flags = pf[offset >> 12]
    if access == WRITE and flags & (PAGE_CODE | PAGE_SLOW | PAGE_DIRTY) != PAGE_DIRTY:
        return pa
    if access == READ and flags & PAGE_SLOW:
        return pa
    part = TLB_FETCH if access == FETCH else (TLB_WRITE if access == WRITE else 0)
    context = s[FETCH_CONTEXT] if access == FETCH else s[DATA_CONTEXT]
    e = part + ((va >> 12 & TLB_ENTRIES - 1) << 1)
    tlb[e] = va & -4096 | context
    tlb[e + 1] = offset - va
    return pa


# --- memory behind the fast path --------------------------------------------------------------


def touch(s, pf, code, cof, offset, size):
    """RAM at `offset` was written: mark the page dirty, drop decoded instructions there."""
    page = offset >> 12
    flags = pf[page]
    if flags & PAGE_CODE:
        base = cof[page] * CODE_STRIDE
        first = max(((offset & 4095) >> 1) - 1, 0)
        last = ((offset & 4095) + size - 1) >> 1
        if flags & PAGE_REGION:  # a region may have been made from these bytes: drop the page
            first = 0
            last = 2047
            flags &= ~PAGE_REGION
        for slot in range(first, last + 1):
            code[base + slot] = 0
    pf[page] = flags | PAGE_DIRTY


def watched(s, pa, size, kind):
    """Whether a watchpoint of this kind (1 read, 2 write) covers the access, and is due."""
    if s[SKIP] == s[CLOCK]:
        return False
    for k in range(s[WATCHPOINTS]):
        w = WATCHPOINT + 3 * k
        if s[w + 2] & kind and pa < s[w + 1] and pa + size > s[w]:
            s[SKIP] = s[CLOCK]
            s[ACCESS_ADDRESS] = pa
            s[EXIT] = EXIT_WATCHPOINT
            return True
    return False


def gather(r8, offset, size):
    """`size` bytes of RAM as an unsigned little-endian value (signed when size is 8)."""
    value = 0
    for k in range(size):
        value = i64(value | sll(r8[offset + k] & 255, 8 * k))
    return value


def scatter(r8, offset, size, value):
    """Store the low `size` bytes of `value`, little-endian."""
    for k in range(size):
        r8[offset + k] = i8(srl(value, 8 * k))


def extend(value, kind):
    """What a load of funct3 `kind` leaves in the register (lb lh lw ld lbu lhu lwu)."""
    if kind == 0:
        return i8(value)
    if kind == 1:
        return i16(value)
    if kind == 2:
        return i32(value)
    return value


def load(s, tlb, r8, r64, pf, code, cof, va, kind):
    """A load that the fast path could not do; returns the register's value, or 0 with EXIT set."""
    size = 1 << (kind & 3)
    if va & size - 1:
        if s[MISALIGNED] == 0:
            raise_trap(s, LOAD_MISALIGNED, va)
            return 0
        if (va & 4095) + size > 4096:
            return extend(load_across(s, tlb, r8, r64, pf, code, cof, va, size), kind)
    pa = translate(s, tlb, r64, pf, code, cof, va, size, READ)
    if s[EXIT]:
        return 0
    offset = pa - RAM_BASE
    if offset < 0 or offset >= s[RAM_SIZE]:
        device_access(s, pa, va, kind, 0, READ)
        return 0
    if s[WATCHPOINTS] and watched(s, pa, size, 1):
        return 0
    return extend(gather(r8, offset, size), kind)


def load_across(s, tlb, r8, r64, pf, code, cof, va, size):
    """A misaligned load over a page boundary: both pages are checked before any byte is read."""
    first = 4096 - (va & 4095)
    low = translate(s, tlb, r64, pf, code, cof, va, first, READ) - RAM_BASE
    if s[EXIT]:
        return 0
    high = translate(s, tlb, r64, pf, code, cof, i64(va + first), size - first, READ) - RAM_BASE
    if s[EXIT]:
        return 0
    if low < 0 or low >= s[RAM_SIZE]:
        fault(s, READ, va, False)
        return 0
    if high < 0 or high >= s[RAM_SIZE]:
        fault(s, READ, i64(va + first), False)
        return 0
    if s[WATCHPOINTS] and (
        watched(s, low + RAM_BASE, first, 1) or watched(s, high + RAM_BASE, size - first, 1)
    ):
        return 0
    return i64(gather(r8, low, first) | sll(gather(r8, high, size - first), 8 * first))


def store(s, tlb, r8, r64, pf, code, cof, va, kind, value):
    """A store that the fast path could not do; EXIT is set where it did not happen."""
    size = 1 << kind
    if va & size - 1:
        if s[MISALIGNED] == 0:
            raise_trap(s, STORE_MISALIGNED, va)
            return
        if (va & 4095) + size > 4096:
            store_across(s, tlb, r8, r64, pf, code, cof, va, size, value)
            return
    pa = translate(s, tlb, r64, pf, code, cof, va, size, WRITE)
    if s[EXIT]:
        return
    offset = pa - RAM_BASE
    if offset < 0 or offset >= s[RAM_SIZE] or (pa < s[TOHOST] + 8 and pa + size > s[TOHOST]):
        device_access(s, pa, va, kind, value, WRITE)
        return
    if s[WATCHPOINTS] and watched(s, pa, size, 2):
        return
    scatter(r8, offset, size, value)
    touch(s, pf, code, cof, offset, size)


def store_across(s, tlb, r8, r64, pf, code, cof, va, size, value):
    """A misaligned store over a page boundary: nothing is written unless both pages allow it."""
    first = 4096 - (va & 4095)
    low = translate(s, tlb, r64, pf, code, cof, va, first, WRITE) - RAM_BASE
    if s[EXIT]:
        return
    high = translate(s, tlb, r64, pf, code, cof, i64(va + first), size - first, WRITE) - RAM_BASE
    if s[EXIT]:
        return
    if low < 0 or low >= s[RAM_SIZE]:
        fault(s, WRITE, va, False)
        return
    if high < 0 or high >= s[RAM_SIZE]:
        fault(s, WRITE, i64(va + first), False)
        return
    if s[WATCHPOINTS] and (
        watched(s, low + RAM_BASE, first, 2) or watched(s, high + RAM_BASE, size - first, 2)
    ):
        return
    scatter(r8, low, first, value)
    touch(s, pf, code, cof, low, first)
    scatter(r8, high, size - first, srl(value, 8 * first))
    touch(s, pf, code, cof, high, size - first)


def device_access(s, pa, va, kind, value, access):
    """Hand an access outside RAM to the host's bus; a misaligned one is an access fault."""
    size = 1 << (kind & 3)
    if pa & size - 1:
        fault(s, access, va, False)
        return
    s[EXIT] = EXIT_MMIO
    s[ACCESS_ADDRESS] = pa
    s[ACCESS_KIND] = kind
    s[ACCESS_VALUE] = value
    s[TVAL] = va
