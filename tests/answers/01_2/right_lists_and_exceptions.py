"""Raises faults inside, returns lists, and uses signed addresses and an IntEnum for causes."""

from enum import IntEnum


class Cause(IntEnum):
    fetch_access = 1
    load_access = 5
    store_access = 7
    fetch_page = 12
    load_page = 13
    store_page = 15


class Trap(Exception):
    pass


def walk(read_u64, satp, va, access, priv, sum_, mxr):
    try:
        return ["pa", translate(read_u64, satp, va, access, priv, sum_, mxr)]
    except Trap as trap:
        return ["fault", Cause[f"{access}_{trap}"]]


def translate(read_u64, satp, va, access, priv, sum_, mxr):
    if priv == 3 or not satp >> 60:
        return va
    signed = va - (1 << 64) if va >> 63 else va
    if not -(1 << 38) <= signed < 1 << 38:
        raise Trap("page")
    at, size = (satp & 0xFFFFFFFFFFF) * 4096, 1 << 30
    while True:
        pte = read_u64(at + signed // size % 512 * 8)
        if pte is None:
            raise Trap("access")
        kind = pte & 0b1111
        if kind in (0, 2, 4, 6, 8, 10, 12, 14) or kind in (5, 13) or pte >= 1 << 54:
            raise Trap("page")
        base = (pte >> 10) * 4096
        if kind == 1:
            if pte & 0b11010000 or size == 4096:
                raise Trap("page")
            at, size = base, size // 512
            continue
        break
    user = bool(pte & 16)
    if base % size or (priv == 0) != user and not (priv == 1 and sum_ and access != "fetch"):
        raise Trap("page")
    good = {"load": kind & 2 or mxr and kind & 8, "store": kind & 4, "fetch": kind & 8}[access]
    needed = 0b11000000 if access == "store" else 0b01000000
    if not good or pte & needed != needed:
        raise Trap("page")
    return base + signed % size
