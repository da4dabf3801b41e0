"""Walks by recursion and keeps the rules in functions of their own."""

PAGE_FAULT = {"fetch": 12, "load": 13, "store": 15}
ACCESS_FAULT = {"fetch": 1, "load": 5, "store": 7}


def bits(value, high, low):
    return value >> low & (1 << high - low + 1) - 1


def flag(pte, name):
    return pte >> "VRWXUGAD".index(name) & 1


def refuses(pte, access, priv, sum_, mxr):
    if flag(pte, "U"):
        if priv == 1 and (access == "fetch" or not sum_):
            return True
    elif priv == 0:
        return True
    readable = flag(pte, "R") or mxr and flag(pte, "X")
    if not {"load": readable, "store": flag(pte, "W"), "fetch": flag(pte, "X")}[access]:
        return True
    return not flag(pte, "A") or access == "store" and not flag(pte, "D")


def walk(read_u64, satp, va, access, priv, sum_, mxr):
    def down(table, level):
        pte = read_u64(table + 8 * bits(va, 20 + 9 * level, 12 + 9 * level))
        if pte is None:
            return "fault", ACCESS_FAULT[access]
        ppn = bits(pte, 53, 10)
        if not flag(pte, "V") or bits(pte, 63, 54) or flag(pte, "W") > flag(pte, "R"):
            return "fault", PAGE_FAULT[access]
        if not flag(pte, "R") and not flag(pte, "X"):
            if level == 0 or flag(pte, "U") or flag(pte, "A") or flag(pte, "D"):
                return "fault", PAGE_FAULT[access]
            return down(ppn * 4096, level - 1)
        if ppn % 512**level or refuses(pte, access, priv, sum_, mxr):
            return "fault", PAGE_FAULT[access]
        return "pa", ppn * 4096 + va % (4096 * 512**level)

    if bits(satp, 63, 60) == 0 or priv == 3:
        return ("pa", va)
    top = bits(va, 63, 38)
    if top and top != 2**26 - 1:
        return "fault", PAGE_FAULT[access]
    return down(bits(satp, 43, 0) * 4096, 2)
