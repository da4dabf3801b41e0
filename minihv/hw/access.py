"""Loads and stores that the run loop's fast path could not do: its TLB missed, or it had to.

Misaligned ones, devices, watched and protected places, stores to pages with decoded code.
"""

from minihv.hw.bits import i8, i16, i32, i64, sll, srl
from minihv.hw.mmu import data_virtual, fault, raise_trap, touch
from minihv.hw.state import *
from minihv.hw.tlb import translate


def watched(s, pa, size, kind):
    """Return whether a watchpoint of this kind (1 read, 2 write) is met and not yet reported."""
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
    """Return `size` bytes of RAM as an unsigned little-endian value (signed when size is 8)."""
    value = 0
    for k in range(size):
        value = i64(value | sll(r8[offset + k] & 255, 8 * k))
    return value


def scatter(r8, offset, size, value):
    """Store the low `size` bytes of `value`, little-endian."""
    for k in range(size):
        r8[offset + k] = i8(srl(value, 8 * k))


def extend(value, kind):
    """Return what a load of funct3 `kind` leaves in rd (lb lh lw ld lbu lhu lwu)."""
    if kind == 0:
        return i8(value)
    if kind == 1:
        return i16(value)
    if kind == 2:
        return i32(value)
    return value


def load(s, tlb, r8, r64, page_flags, code, code_of, va, kind):
    """Do a load that the fast path could not do; return rd's value, or 0 with EXIT set."""
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


def both_pages(s, tlb, r64, page_flags, code, code_of, va, size, access):
    """Return where in RAM the two parts of a misaligned access over a page boundary are.

    EXIT is set unless both pages allow it and both are RAM, before any byte is read or written.
    """
    first = 4096 - (va & 4095)
    rest = i64(va + first)
    low = translate(s, tlb, r64, page_flags, code, code_of, va, first, access) - RAM_BASE
    high = 0
    if s[EXIT] == 0:
        high = translate(s, tlb, r64, page_flags, code, code_of, rest, size - first, access)
        high -= RAM_BASE
    if s[EXIT] == 0:
        if low < 0 or low >= s[RAM_SIZE]:
            fault(s, access, va, False)
        elif high < 0 or high >= s[RAM_SIZE]:
            fault(s, access, rest, False)
        elif s[WATCHPOINTS] and not watched(s, low + RAM_BASE, first, access):
            watched(s, high + RAM_BASE, size - first, access)
    return low, high


def load_across(s, tlb, r8, r64, page_flags, code, code_of, va, size):
    """Do a misaligned load over a page boundary."""
    low, high = both_pages(s, tlb, r64, page_flags, code, code_of, va, size, READ)
    if s[EXIT]:
        return 0
    first = 4096 - (va & 4095)
    return i64(gather(r8, low, first) | sll(gather(r8, high, size - first), 8 * first))


def store(s, tlb, r8, r64, page_flags, code, code_of, va, kind, value):
    """Do a store that the fast path could not do; EXIT is set if it did not happen."""
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
    """Do a misaligned store over a page boundary."""
    low, high = both_pages(s, tlb, r64, page_flags, code, code_of, va, size, WRITE)
    if s[EXIT]:
        return
    first = 4096 - (va & 4095)
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
