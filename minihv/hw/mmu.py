"""Address translation: Sv39, two stages of it, the TLB behind the fast path, memory's slow path.

One direct-mapped TLB array per hart holds three parts (read, write, fetch). An entry is two
slots: a tag, which is the virtual page | context << 3, and what to add to a virtual address to
get an offset into RAM. The context numbers the translation regime (a value of satp, or of vsatp
and hgatp) and what the access may do (privilege, SUM, MXR), so no trap has to flush. The low three
bits of a tag are 0: a misaligned access never matches and comes here, as does everything that is
not plain RAM.

One walker, `entry`, looks at the PTEs of every stage. `descend` walks the S-stage (satp) and the
G-stage (hgatp, Sv39x4); `walk_guest` walks the VS-stage (vsatp), whose tables lie at guest-physical
addresses, so that each of its steps, and its result, is a descent through the G-stage.

Invariant: an entry exists only where every byte of the page may be accessed so, in RAM; a write
entry only where the page is dirty and holds no decoded code, tohost or watchpoint.

Source: Privileged ISA 20240411, sections 10.3 to 10.4 (satp, Sv39) and 15.5 (two stages).
"""

from minihv.hw.bits import i8, i16, i32, i64, sll, srl
from minihv.hw.pmp import beyond, pmp_allows, pmp_uniform
from minihv.hw.state import *

PTE_V, PTE_R, PTE_W, PTE_X, PTE_U, PTE_A, PTE_D = 1, 2, 4, 8, 16, 64, 128
PTE_RESERVED = -(1 << 54)  # N, PBMT and the reserved bits 60..54: must be 0
LEVELS = 3  # of Sv39
PPN = (1 << 44) - 1  # the bits of satp, and of a PTE's number, that name a page
ROOT, ROOT_X4 = 511, 2047  # indices of a root table: Sv39, Sv39x4
READ_CODE = 8  # the access of hlvx: a load that needs X in place of R (section 15.3)
# What a walk returns in place of an address.
PAGE_FAULT, ACCESS_FAULT, UNMARKED = -1, -2, -3
# What htinst says of a fault in a VS-stage table that the walker reads or marks (section 15.6.3).
READS_PTE, WRITES_PTE = 0x3000, 0x3020


# --- faults -----------------------------------------------------------------------------------


def raise_trap(s, cause, tval):
    """Make a trap due; the loop delivers it before the next instruction."""
    s[EXIT] = EXIT_TRAP
    s[CAUSE] = cause
    s[TVAL] = tval
    s[GPA] = 0
    s[TINST] = 0
    s[GUEST_VA] = data_virtual(s)


def fault(s, access, va, page_fault):
    """Raise the page fault or access fault that belongs to `access`."""
    if access == FETCH:
        raise_trap(s, FETCH_PAGE_FAULT if page_fault else FETCH_ACCESS, va)
    elif access == WRITE:
        raise_trap(s, STORE_PAGE_FAULT if page_fault else STORE_ACCESS, va)
    else:
        raise_trap(s, LOAD_PAGE_FAULT if page_fault else LOAD_ACCESS, va)


def guest_fault(s, access, va, gpa, tinst):
    """Raise the guest-page fault of `access` to gva `va`: the G-stage has no page for `gpa`."""
    if access == FETCH:
        raise_trap(s, FETCH_GUEST_FAULT, va)
    elif access == WRITE:
        raise_trap(s, STORE_GUEST_FAULT, va)
    else:
        raise_trap(s, LOAD_GUEST_FAULT, va)
    s[GPA] = srl(gpa, 2)
    s[TINST] = tinst


# --- contexts and flushes ---------------------------------------------------------------------


def flush_tlb(s, tlb):
    """Forget all translations, by retiring the names of the spaces in use."""
    for k in range(1, s[SPACES_USED] + 1):
        s[SPACE + k] = -1
    s[SUPERPAGES] = 0
    update_contexts(s, tlb)


def space_number(s, satp, guest):
    """The number (1..31) under which the TLB keeps what is translated by `satp` and `guest`.

    guest: 0 where V is 0, else what the second stage depends on (see `guest_key`).
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
    """What the G-stage depends on: hgatp (its low two bits are 0), V, and MXR of HS-mode."""
    return s[HGATP] | 1 | (2 if s[MSTATUS] & MXR else 0)


def data_privilege(s):
    """The privilege at which loads and stores act (MPRV, section 3.1.6.3; hlv, section 15.3)."""
    if s[GUEST_ACCESS]:
        return 1 if s[HSTATUS] & SPVP else 0
    if s[MSTATUS] & MPRV:
        return s[MSTATUS] >> MPP_SHIFT & 3
    return s[PRIV]


def data_virtual(s):
    """Whether (1 or 0) they act with V set (section 15.4.1: MPRV takes MPV with it)."""
    if s[GUEST_ACCESS]:
        return 1
    if s[MSTATUS] & MPRV:
        return 1 if s[MSTATUS] & MPV and s[MSTATUS] >> MPP_SHIFT & 3 != 3 else 0
    return s[VIRT]


def regime_number(s, priv, virtual):
    """The number of the space that accesses at this privilege are translated in."""
    if virtual:
        return space_number(s, s[VSATP], guest_key(s))
    return space_number(s, 0 if priv == 3 else s[SATP], 0)


def update_contexts(s, tlb):
    """Recompute both contexts; due when privilege, V, a status register or an atp changed."""
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


# --- the walk ---------------------------------------------------------------------------------


def permitted(pte, access, priv, status):
    """Whether a leaf PTE allows `access` at `priv` (section 10.3.1: U; SUM, MXR of `status`)."""
    if priv == 0 and pte & PTE_U == 0:
        return False
    if priv == 1 and pte & PTE_U and (access == FETCH or status & SUM == 0):
        return False
    if access == FETCH or access == READ_CODE:
        return pte & PTE_X != 0
    if access == WRITE:
        return pte & PTE_W != 0
    return pte & PTE_R != 0 or (pte & PTE_X != 0 and status & MXR != 0)


def entry(s, r64, page_flags, code, code_of, address, level, access, priv, status, mark):
    """Look at the PTE at physical `address` (section 10.3.2, steps 2 to 9).

    Returns the table that it points to; for a leaf the page's address | 1; or PAGE_FAULT or
    ACCESS_FAULT. A and D bits that are due are set if `mark`, else UNMARKED is returned.
    """
    offset = address - RAM_BASE
    if offset < 0 or offset >= s[RAM_SIZE] or not pmp_allows(s, address, 8, READ, 1):
        return ACCESS_FAULT
    s[WALK_READS] += 1
    pte = r64[offset >> 3]
    if pte & PTE_V == 0 or pte & (PTE_R | PTE_W) == PTE_W or pte & PTE_RESERVED:
        return PAGE_FAULT
    ppn = pte >> 10 & PPN
    if pte & (PTE_R | PTE_X) == 0:
        if level == 0 or pte & (PTE_U | PTE_A | PTE_D):
            return PAGE_FAULT
        return ppn << 12
    if not permitted(pte, access, priv, status) or ppn & ((1 << 9 * level) - 1):
        return PAGE_FAULT
    wanted = PTE_A | PTE_D if access == WRITE else PTE_A
    if pte & wanted != wanted:
        if s[SVADE]:
            return PAGE_FAULT
        if not mark:
            return UNMARKED
        if not pmp_allows(s, address, 8, WRITE, 1):
            return ACCESS_FAULT
        r64[offset >> 3] = pte | wanted
        touch(s, page_flags, code, code_of, offset, 8)
    if level:
        s[SUPERPAGES] = 1
    return ppn << 12 | 1


def descend(s, r64, page_flags, code, code_of, table, last, address, access, priv, status):
    """Walk one stage from the root `table`, whose last index is `last`.

    The physical address for `address`, or PAGE_FAULT or ACCESS_FAULT.
    """
    index = address >> 30 & last
    for level in range(LEVELS - 1, -1, -1):
        found = entry(
            s, r64, page_flags, code, code_of, table + index * 8, level, access, priv, status, True
        )
        if found < 0:
            return found
        if found & 1:
            return found - 1 | address & ((1 << 12 + 9 * level) - 1)
        table = found
        index = address >> 3 + 9 * level & 511
    return PAGE_FAULT


def walk(s, r64, page_flags, code, code_of, va, access, priv):
    """Walk Sv39 for `va`; the physical address, or -1 with a trap raised."""
    found = PAGE_FAULT
    if va >> 38 == 0 or va >> 38 == -1:
        root = (s[SATP] & PPN) << 12
        found = descend(s, r64, page_flags, code, code_of, root, ROOT, va, access, priv, s[MSTATUS])
    if found < 0:
        fault(s, access, va, found == PAGE_FAULT)
        return -1
    return found


def second_stage(s, r64, page_flags, code, code_of, gpa, access, va, original, tinst):
    """The physical address of `gpa` (section 15.5.1), or -1 with a trap raised.

    The G-stage sees an `access` in U-mode. What it traps with is that of the `original` access to
    gva `va`, because of which the guest's page tables may just be read.
    """
    if s[HGATP] == 0:
        if beyond(gpa):
            fault(s, original, va, False)
            return -1
        return gpa
    found = PAGE_FAULT
    if gpa >> 41 == 0:
        root = (s[HGATP] & PPN) << 12
        status = s[MSTATUS]
        found = descend(s, r64, page_flags, code, code_of, root, ROOT_X4, gpa, access, 0, status)
    if found == ACCESS_FAULT:
        fault(s, original, va, False)
    elif found < 0:
        guest_fault(s, original, va, gpa, tinst)
    return max(found, -1)


def walk_guest(s, r64, page_flags, code, code_of, va, access, priv):
    """Walk Sv39 in the guest's tables for gva `va`; its gpa, or -1 with a trap raised."""
    table = (s[VSATP] & PPN) << 12
    status = s[VSSTATUS] | s[MSTATUS] & MXR
    index = va >> 30 & ROOT
    found = PAGE_FAULT
    if va >> 38 == 0 or va >> 38 == -1:
        for level in range(LEVELS - 1, -1, -1):
            gpa = table + index * 8
            pa = second_stage(s, r64, page_flags, code, code_of, gpa, READ, va, access, READS_PTE)
            if pa < 0:
                return -1
            found = entry(s, r64, page_flags, code, code_of, pa, level, access, priv, status, False)
            if found == UNMARKED:
                pa = second_stage(
                    s, r64, page_flags, code, code_of, gpa, WRITE, va, access, WRITES_PTE
                )
                if pa < 0:
                    return -1
                s[WALK_READS] -= 1  # the same PTE once more
                found = entry(
                    s, r64, page_flags, code, code_of, pa, level, access, priv, status, True
                )
            if found < 0:
                break
            if found & 1:
                return found - 1 | va & ((1 << 12 + 9 * level) - 1)
            table = found
            found = PAGE_FAULT
            index = va >> 3 + 9 * level & 511
    fault(s, access, va, found == PAGE_FAULT)
    return -1


def physical(s, r64, page_flags, code, code_of, va, access, priv, virtual):
    """The physical address that `va` is translated to, or -1 with a trap raised."""
    if s[GUEST_ACCESS] == 2:
        access = READ_CODE
    if virtual:
        gpa = va
        if s[VSATP]:
            gpa = walk_guest(s, r64, page_flags, code, code_of, va, access, priv)
            if gpa == -1:
                return -1
        return second_stage(s, r64, page_flags, code, code_of, gpa, access, va, access, 0)
    if priv == 3 or s[SATP] == 0:
        if beyond(va):
            fault(s, access, va, False)
            return -1
        return va
    return walk(s, r64, page_flags, code, code_of, va, access, priv)


def locate(s, r64, page_flags, code, code_of, va, size, access):
    """The physical address for an access that stays in one page, or -1 with a trap raised.

    This is what the tables and PMP say now; the TLB is neither asked nor filled.
    """
    priv = s[PRIV] if access == FETCH else data_privilege(s)
    virtual = s[VIRT] if access == FETCH else data_virtual(s)
    pa = physical(s, r64, page_flags, code, code_of, va, access, priv, virtual)
    if pa != -1 and not pmp_allows(s, pa, size, access, priv):
        fault(s, access, va, False)
        return -1
    return pa


def translate(s, tlb, r64, page_flags, code, code_of, va, size, access):
    """As `locate`, with the TLB, which is filled where the invariant at the top allows it."""
    if s[GUEST_ACCESS]:
        return locate(s, r64, page_flags, code, code_of, va, size, access)
    part = TLB_FETCH if access == FETCH else (TLB_WRITE if access == WRITE else 0)
    tag = va & -4096 | (s[FETCH_CONTEXT] if access == FETCH else s[DATA_CONTEXT])
    e = part + ((va >> 12 & TLB_ENTRIES - 1) << 1)
    if tlb[e] == tag:
        return va + tlb[e + 1] + RAM_BASE
    s[TLB_MISSES] += 1
    pa = locate(s, r64, page_flags, code, code_of, va, size, access)
    if pa == -1:
        return -1
    offset = pa - RAM_BASE
    if offset < 0 or offset >= s[RAM_SIZE] or not pmp_uniform(s, pa & -4096):
        return pa
    flags = page_flags[offset >> 12]
    if access == WRITE and flags & (PAGE_CODE | PAGE_SLOW | PAGE_DIRTY) != PAGE_DIRTY:
        return pa
    if access == READ and flags & PAGE_SLOW:
        return pa
    tlb[e] = tag
    tlb[e + 1] = offset - va
    return pa


# --- memory behind the fast path --------------------------------------------------------------


def touch(s, page_flags, code, code_of, offset, size):
    """RAM at `offset` was written: mark the page dirty, drop decoded instructions there."""
    page = offset >> 12
    flags = page_flags[page]
    if flags & PAGE_CODE:
        base = code_of[page] * CODE_STRIDE
        first = max(((offset & 4095) >> 1) - 1, 0)
        last = ((offset & 4095) + size - 1) >> 1
        if flags & PAGE_REGION:  # a region may have been made from these bytes: drop the page
            first = 0
            last = 2047
            flags &= ~PAGE_REGION
        for slot in range(first, last + 1):
            code[base + slot] = 0
    page_flags[page] = flags | PAGE_DIRTY


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


def load(s, tlb, r8, r64, page_flags, code, code_of, va, kind):
    """A load that the fast path could not do; returns the register's value, or 0 with EXIT set."""
    size = 1 << (kind & 3)
    if va & size - 1:
        if s[MISALIGNED] == 0:
            raise_trap(s, LOAD_MISALIGNED, va)
            return 0
        if (va & 4095) + size > 4096:
            return extend(load_across(s, tlb, r8, r64, page_flags, code, code_of, va, size), kind)
    pa = translate(s, tlb, r64, page_flags, code, code_of, va, size, READ)
    if s[EXIT]:
        return 0
    offset = pa - RAM_BASE
    if offset < 0 or offset >= s[RAM_SIZE]:
        device_access(s, pa, va, kind, 0, READ)
        return 0
    if s[WATCHPOINTS] and watched(s, pa, size, 1):
        return 0
    return extend(gather(r8, offset, size), kind)


def load_across(s, tlb, r8, r64, page_flags, code, code_of, va, size):
    """A misaligned load over a page boundary: both pages are checked before any byte is read."""
    first = 4096 - (va & 4095)
    low = translate(s, tlb, r64, page_flags, code, code_of, va, first, READ) - RAM_BASE
    if s[EXIT]:
        return 0
    rest = i64(va + first)
    high = translate(s, tlb, r64, page_flags, code, code_of, rest, size - first, READ) - RAM_BASE
    if s[EXIT]:
        return 0
    if low < 0 or low >= s[RAM_SIZE]:
        fault(s, READ, va, False)
        return 0
    if high < 0 or high >= s[RAM_SIZE]:
        fault(s, READ, rest, False)
        return 0
    if s[WATCHPOINTS] and (
        watched(s, low + RAM_BASE, first, 1) or watched(s, high + RAM_BASE, size - first, 1)
    ):
        return 0
    return i64(gather(r8, low, first) | sll(gather(r8, high, size - first), 8 * first))


def store(s, tlb, r8, r64, page_flags, code, code_of, va, kind, value):
    """A store that the fast path could not do; EXIT is set where it did not happen."""
    size = 1 << kind
    if va & size - 1:
        if s[MISALIGNED] == 0:
            raise_trap(s, STORE_MISALIGNED, va)
            return
        if (va & 4095) + size > 4096:
            store_across(s, tlb, r8, r64, page_flags, code, code_of, va, size, value)
            return
    pa = translate(s, tlb, r64, page_flags, code, code_of, va, size, WRITE)
    if s[EXIT]:
        return
    offset = pa - RAM_BASE
    if offset < 0 or offset >= s[RAM_SIZE] or (pa < s[TOHOST] + 8 and pa + size > s[TOHOST]):
        device_access(s, pa, va, kind, value, WRITE)
        return
    if s[WATCHPOINTS] and watched(s, pa, size, 2):
        return
    scatter(r8, offset, size, value)
    touch(s, page_flags, code, code_of, offset, size)


def store_across(s, tlb, r8, r64, page_flags, code, code_of, va, size, value):
    """A misaligned store over a page boundary: nothing is written unless both pages allow it."""
    first = 4096 - (va & 4095)
    low = translate(s, tlb, r64, page_flags, code, code_of, va, first, WRITE) - RAM_BASE
    if s[EXIT]:
        return
    rest = i64(va + first)
    high = translate(s, tlb, r64, page_flags, code, code_of, rest, size - first, WRITE) - RAM_BASE
    if s[EXIT]:
        return
    if low < 0 or low >= s[RAM_SIZE]:
        fault(s, WRITE, va, False)
        return
    if high < 0 or high >= s[RAM_SIZE]:
        fault(s, WRITE, rest, False)
        return
    if s[WATCHPOINTS] and (
        watched(s, low + RAM_BASE, first, 2) or watched(s, high + RAM_BASE, size - first, 2)
    ):
        return
    scatter(r8, low, first, value)
    touch(s, page_flags, code, code_of, low, first)
    scatter(r8, high, size - first, srl(value, 8 * first))
    touch(s, page_flags, code, code_of, high, size - first)


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
    s[GUEST_VA] = data_virtual(s)
