"""Physical memory protection: 16 entries, checked on every access that misses the TLB.

Source: Privileged ISA 20240411, section 3.7. Granularity is 4 bytes. A configuration byte holds
R, W, X (bits 0-2), the address mode A (bits 3-4: off, TOR, NA4, NAPOT) and L, locked (bit 7).
"""

from minihv.hw.bits import i64, ltu, sll, srl
from minihv.hw.state import *

LAST_ADDRESS = 1 << 56  # the first physical address that does not exist


def update_regions(s):
    """Recompute the bounds of all regions, after any write to pmpcfg or pmpaddr."""
    for i in range(16):
        mode = s[PMPCFG + i] >> 3 & 3
        address = s[PMPADDR + i]
        low = 0
        high = 0  # an empty region: off
        if mode == 1:
            low = sll(s[PMPADDR + i - 1], 2) if i > 0 else 0
            high = sll(address, 2)
        elif mode == 2:
            low = sll(address, 2)
            high = low + 4
        elif mode == 3:
            ones = address ^ (address + 1)  # the trailing ones and the zero above them
            low = sll(address & ~ones, 2)
            high = min(low + sll(ones + 1, 2), LAST_ADDRESS)
        if high <= low:  # TOR below its lower bound matches nothing, not even an access around it
            low = 0
            high = 0
        s[PMP_LOW + i] = low
        s[PMP_HIGH + i] = high


def pmp_allows(s, pa, size, access, priv):
    """Return whether `priv` may do `access` (READ, WRITE, FETCH) on all of pa .. pa+size-1."""
    for i in range(16):
        low = s[PMP_LOW + i]
        high = s[PMP_HIGH + i]
        if pa + size <= low or pa >= high:
            continue
        if pa < low or pa + size > high:
            return False  # the lowest-numbered entry that matches any byte must match all
        config = s[PMPCFG + i]
        return (priv == 3 and config & 0x80 == 0) or config & access == access
    return priv == 3


def pmp_uniform(s, page):
    """Return whether one entry (or none) decides for every byte of the page at pa `page`."""
    for i in range(16):
        low = s[PMP_LOW + i]
        high = s[PMP_HIGH + i]
        if page + 4096 <= low or page >= high:
            continue
        return page >= low and page + 4096 <= high
    return True


def pmp_locked(s, i):
    """Return whether entry `i`'s address is locked: itself, or as the bound of a locked TOR."""
    if s[PMPCFG + i] & 0x80:
        return True
    return i < 15 and s[PMPCFG + i + 1] & 0x98 == 0x88


def write_pmpcfg(s, first, value):
    """Write the eight entries from `first`; locked entries and the reserved W-without-R stay."""
    for k in range(8):
        config = srl(value, 8 * k) & 0x9F
        if s[PMPCFG + first + k] & 0x80 == 0 and config & 3 != 2:
            s[PMPCFG + first + k] = config
    update_regions(s)


def read_pmpcfg(s, first):
    """Return the eight configuration bytes from entry `first`, as one register."""
    value = 0
    for k in range(8):
        value = i64(value | sll(s[PMPCFG + first + k], 8 * k))
    return value


def write_pmpaddr(s, i, value):
    """Write entry `i`'s address, bits 55..2 of a physical address."""
    if not pmp_locked(s, i):
        s[PMPADDR + i] = value & ((1 << 54) - 1)
        update_regions(s)


def beyond(pa):
    """Return whether `pa` is outside the 56-bit physical address space."""
    return not ltu(pa, LAST_ADDRESS)
