"""Asks rule by rule instead of comparing flags."""


def find_fault(read_u64, satp, va, cause, regions):
    region = [r for r in regions if r.start <= va < r.end][0]
    table = (satp & ((1 << 44) - 1)) * 4096
    for level in (2, 1, 0):
        where = table + va // (4096 * 512**level) % 512 * 8
        pte = read_u64(where)
        for bit in (0, *range(54, 64)):
            if (pte >> bit & 1) == (bit > 0):
                return where, bit
        is_leaf = region.page == 4096 * 512**level
        if not is_leaf:
            for bit in (1, 2, 3, 4, 6, 7):
                if pte >> bit & 1:
                    return where, bit
        else:
            if not pte >> 4 & 1:
                return where, 4
            for name, bit in zip("rwx", (1, 2, 3), strict=True):
                if name in region.rights and not pte >> bit & 1:
                    return where, bit
            if not pte >> 6 & 1:
                return where, 6
            if "w" in region.rights and not pte >> 7 & 1:
                return where, 7
            return where, next(bit for bit in range(10, 19) if pte >> bit & 1)
        table = (pte >> 10) * 4096
