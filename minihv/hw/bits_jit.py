"""The compiled form of `bits`: the same names, as Numba compiles them best.

This file is not imported: `engine` puts its text in front of the machine's when it compiles.
int64 arithmetic wraps by itself there, so `i64` has nothing to do.
"""

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

MASK64 = -1


def i64(v):
    return v


def i32(v):
    return np.int64(np.int32(v))


def i16(v):
    return np.int64(np.int16(v))


def i8(v):
    return np.int64(np.int8(v))


def u64(v):
    return np.uint64(v)


def ltu(a, b):
    return np.uint64(a) < np.uint64(b)


def sll(a, n):
    return a << n


def srl(a, n):
    return np.int64(np.uint64(a) >> np.uint64(n))


def mulhu(a, b):
    al, ah = np.uint64(a) & np.uint64(0xFFFFFFFF), np.uint64(a) >> np.uint64(32)
    bl, bh = np.uint64(b) & np.uint64(0xFFFFFFFF), np.uint64(b) >> np.uint64(32)
    low = al * bl
    middle = ah * bl + (low >> np.uint64(32))
    other = al * bh + (middle & np.uint64(0xFFFFFFFF))
    return np.int64(ah * bh + (middle >> np.uint64(32)) + (other >> np.uint64(32)))


def mulh(a, b):
    return mulhu(a, b) - (b if a < 0 else 0) - (a if b < 0 else 0)


def mulhsu(a, b):
    return mulhu(a, b) - (b if a < 0 else 0)


def div(a, b):
    if b == 0:
        return -1
    if b == -1:
        return -a
    q = a // b
    if q < 0 and q * b != a:
        q += 1
    return q


def rem(a, b):
    if b == 0:
        return a
    if b == -1:
        return 0
    return a - div(a, b) * b


def divu(a, b):
    if b == 0:
        return -1
    return np.int64(np.uint64(a) // np.uint64(b))


def remu(a, b):
    if b == 0:
        return a
    return np.int64(np.uint64(a) % np.uint64(b))


@intrinsic
def call_region(typing, address, s, tlb, ram, shared, left, pc):
    signature = types.int64(address, s, tlb, ram, shared, left, pc)

    def generate(context, builder, signature, arguments):
        word = ir.IntType(64)
        values = []
        for kind, value in zip(signature.args[1:], arguments[1:]):
            if isinstance(kind, types.Array):
                array = context.make_array(kind)(context, builder, value)
                value = builder.ptrtoint(array.data, word)
            values.append(value)
        function = ir.FunctionType(word, [word] * 6).as_pointer()
        return builder.call(builder.inttoptr(arguments[0], function), values)

    return signature, generate
