"""Recursion, one step a call; big-endian words of packed data."""

import struct

OPEN = {0x7FFF0000, 0x7FFC0000}


def step(code, data, at, word):
    kind, yes, no, k = code[at]
    if kind == 6:
        return k
    if kind == 0x20:
        return step(code, data, at + 1, struct.unpack_from("<I", data, k)[0])
    test = word == k if kind == 0x15 else word >= k if kind == 0x35 else bool(word & k)
    return step(code, data, at + 1 + (yes if test else no), word)


def allowed(filter, numbers, arch, argument):
    def data(number):
        return struct.pack("<iIQQ", number, arch, 0, argument) + bytes(40)

    return [n for n in numbers if step(filter, data(n), 0, 0) in OPEN]
