"""Arithmetic of 64-bit registers on signed integers, in plain Python.

Every value of the machine is held as a signed 64-bit integer, because mixed signedness is where
compiled and plain Python part ways. These few primitives are the only places that look at a value
as unsigned or that wrap; `engine` replaces each by a compiled form with the same name.
"""

MASK64 = (1 << 64) - 1


def i64(v: int) -> int:
    """Return `v` modulo 2**64 as a signed value."""
    return ((v + 0x8000000000000000) & 0xFFFFFFFFFFFFFFFF) - 0x8000000000000000


def i32(v: int) -> int:
    """Return the low 32 bits of `v`, sign-extended."""
    return ((v + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def i16(v: int) -> int:
    """Return the low 16 bits of `v`, sign-extended."""
    return ((v + 0x8000) & 0xFFFF) - 0x8000


def i8(v: int) -> int:
    """Return the low 8 bits of `v`, sign-extended."""
    return ((v + 0x80) & 0xFF) - 0x80


def u64(v: int) -> int:
    """Return `v` as an array index: the compiled form is unsigned, which spares a test for < 0."""
    return v


def ltu(a: int, b: int) -> bool:
    """a < b as unsigned 64-bit values."""
    return (a & MASK64) < (b & MASK64)


def sll(a: int, n: int) -> int:
    """a << n, 0 <= n < 64."""
    return i64(a << n)


def srl(a: int, n: int) -> int:
    """a >> n filling with zeros, 0 <= n < 64."""
    return i64((a & MASK64) >> n)


def mulh(a: int, b: int) -> int:
    """Return the high 64 bits of signed a x signed b."""
    return (a * b) >> 64


def mulhu(a: int, b: int) -> int:
    """Return the high 64 bits of unsigned a x unsigned b."""
    return i64(((a & MASK64) * (b & MASK64)) >> 64)


def mulhsu(a: int, b: int) -> int:
    """Return the high 64 bits of signed a x unsigned b."""
    return (a * (b & MASK64)) >> 64


def div(a: int, b: int) -> int:
    """Signed quotient rounded towards zero; -1 for b = 0 (Unprivileged ISA, table 11)."""
    if b == 0:
        return -1
    q = abs(a) // abs(b)
    return i64(q if (a < 0) == (b < 0) else -q)


def rem(a: int, b: int) -> int:
    """Signed remainder with the sign of a; a for b = 0."""
    if b == 0:
        return a
    r = abs(a) % abs(b)
    return -r if a < 0 else r


def divu(a: int, b: int) -> int:
    """Unsigned quotient; all ones for b = 0."""
    return -1 if b == 0 else i64((a & MASK64) // (b & MASK64))


def remu(a: int, b: int) -> int:
    """Unsigned remainder; a for b = 0."""
    return a if b == 0 else i64((a & MASK64) % (b & MASK64))


def call_region(address, s, tlb, ram, shared, left, pc):
    """Run the compiled region at `address` (see `regions`); plain Python has none, so no step."""
    return left
