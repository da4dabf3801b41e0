"""Address translation by page tables: Sv39, and two stages of it.

One stage (satp; hgatp likewise, with a root of four pages and 11 bits of VPN[2], as Sv39x4):

    va   63 .. 39   38 .. 30   29 .. 21   20 .. 12   11 .. 0
         = bit 38   VPN[2]     VPN[1]     VPN[0]     offset
                      |          |          |           |
    satp.PPN --> [ root ] --> [ level 1 ] --> [ level 0 ] --> page   pa = PPN | offset
                  pointer      pointer         leaf

    pte  63 .. 54   53 .. 10   9 8   7 6 5 4 3 2 1 0     R = W = X = 0: a pointer
         0          PPN        -     D A G U X W R V     a leaf at level 1 or 2: a superpage

Two stages: the guest's tables (vsatp) are at guest-physical addresses, so each step down, and what
the walk ends at, is a whole walk of the G-stage (hgatp): at most 3 x (3 + 1) + 3 = 15 reads.

    vsatp --G--> [ root ] --G--> [ level 1 ] --G--> [ level 0 ] --G--> page
    reads   3       1       3        1          3        1         3

One function, `entry`, looks at the PTEs of every stage. `descend` walks one stage at physical
addresses, `walk_guest` the guest's tables, by way of `second_stage`.

Source: Privileged ISA 20240411, sections 10.3 to 10.4 (satp, Sv39) and 15.5 (two stages).
"""

from minihv.hw.bits import srl
from minihv.hw.decode import SHORT
from minihv.hw.pmp import beyond, pmp_allows
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
    """Raise a trap; the loop delivers it before the next instruction."""
    s[EXIT] = EXIT_TRAP
    s[CAUSE] = cause
    s[TVAL] = tval
    s[GPA] = 0
    s[TINST] = 0
    s[GUEST_VA] = data_virtual(s)


def by_access(access, fetch, load, store):
    """Return one of three causes, that of `access`."""
    return fetch if access == FETCH else (store if access == WRITE else load)


def fault(s, access, va, page_fault):
    """Raise the page fault or access fault that belongs to `access`."""
    if page_fault:
        cause = by_access(access, FETCH_PAGE_FAULT, LOAD_PAGE_FAULT, STORE_PAGE_FAULT)
    else:
        cause = by_access(access, FETCH_ACCESS, LOAD_ACCESS, STORE_ACCESS)
    raise_trap(s, cause, va)


def guest_fault(s, access, va, gpa, tinst):
    """Raise the guest-page fault of `access` to gva `va`: the G-stage has no page for `gpa`."""
    raise_trap(s, by_access(access, FETCH_GUEST_FAULT, LOAD_GUEST_FAULT, STORE_GUEST_FAULT), va)
    s[GPA] = srl(gpa, 2)
    s[TINST] = tinst


def data_privilege(s):
    """Return the privilege of loads and stores (MPRV, section 3.1.6.3; hlv, section 15.3)."""
    if s[GUEST_ACCESS]:
        return 1 if s[HSTATUS] & SPVP else 0
    if s[MSTATUS] & MPRV:
        return s[MSTATUS] >> MPP_SHIFT & 3
    return s[PRIV]


def data_virtual(s):
    """Return 1 if they act with V set, else 0 (section 15.4.1: MPRV takes MPV with it)."""
    if s[GUEST_ACCESS]:
        return 1
    if s[MSTATUS] & MPRV:
        return 1 if s[MSTATUS] & MPV and s[MSTATUS] >> MPP_SHIFT & 3 != 3 else 0
    return s[VIRT]


# --- the walk ---------------------------------------------------------------------------------


def permitted(pte, access, priv, status):
    """Return whether a leaf PTE allows `access` at `priv` (section 10.3.1; `status`: SUM, MXR)."""
    if priv == 0 and pte & PTE_U == 0:
        return False
    if priv == 1 and pte & PTE_U and (access == FETCH or status & SUM == 0):
        return False
    if access == FETCH or access == READ_CODE:
        return pte & PTE_X != 0
    if access == WRITE:
        return pte & PTE_W != 0
    return pte & PTE_R != 0 or (pte & PTE_X != 0 and status & MXR != 0)


def touch(s, page_flags, code, code_of, offset, size):
    """RAM at `offset` was written, at most 8 bytes of one page: mark the page dirty.

    If it was decoded code that was hit, all that was decoded or translated from the page goes.
    """
    page = offset >> 12
    flags = page_flags[page]
    if flags & PAGE_CODE:
        base = code_of[page] * CODE_STRIDE
        if hits_code(code, base + ((offset & 4095) >> 1), base + ((offset & 4095) + size - 1 >> 1)):
            for slot in range(base, base + 2048):
                code[slot] = 0
            flags &= ~(PAGE_CODE | PAGE_REGION)
    page_flags[page] = flags | PAGE_DIRTY


def hits_code(code, first, last):
    """Return whether any decoded instruction has a part in the slots `first` to `last` of a page.

    The slot before the page's first is never decoded: it is another page's sentinel.
    """
    if code[first - 1] and code[first - 1] & SHORT == 0:
        return True
    for slot in range(first, last + 1):
        if code[slot]:
            return True
    return False


def entry(s, r64, page_flags, code, code_of, address, level, access, priv, status, mark):
    """Look at the PTE at physical `address` (section 10.3.2, steps 2 to 9).

    Return the table that it points to; for a leaf the page's address | 1; or PAGE_FAULT or
    ACCESS_FAULT. A and D bits that must be set are set if `mark`; else it is UNMARKED.
    """
    offset = address - RAM_BASE
    if offset < 0 or offset >= s[RAM_SIZE] or not pmp_allows(s, address, 8, READ, 1):
        return ACCESS_FAULT
    s[WALK_READS] += 1
    s[WALK_PLACE + level] = offset >> 3
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
        if not mark:
            return UNMARKED
        if s[SVADE] or s[MENVCFG] & ADUE == 0:
            return PAGE_FAULT
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
    """Return the physical address of `gpa` (section 15.5.1), or -1 with a trap raised.

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
            if found == UNMARKED and (s[SVADE] or s[HENVCFG] & ADUE == 0):
                found = PAGE_FAULT
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
    """Return the physical address that `va` is translated to, or -1 with a trap raised."""
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
    """Return the physical address for an access that stays in one page, or -1 with a trap raised.

    This is what the tables and PMP say now; the TLB is neither asked nor filled.
    """
    priv = s[PRIV] if access == FETCH else data_privilege(s)
    virtual = s[VIRT] if access == FETCH else data_virtual(s)
    pa = physical(s, r64, page_flags, code, code_of, va, access, priv, virtual)
    if pa != -1 and not pmp_allows(s, pa, size, access, priv):
        fault(s, access, va, False)
        return -1
    return pa
