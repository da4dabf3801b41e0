"""The primitives of `bits`: the compiled form, the plain form and Python's own integers agree.

`bits` is where compiled and plain Python could part ways: shifts by 63, division by 0 and -1,
signed times unsigned.
"""

import ast
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minihv.hw import bits

pytest.importorskip("llvmlite", reason="LLVM is not installed: there is no compiled form")

M64 = (1 << 64) - 1
LOW, HIGH = -(1 << 63), (1 << 63) - 1
CORNERS = sorted(
    {0, 1, -1, 2, -2, 3, 7, -7, 31, 32, 63, 64, LOW, LOW + 1, HIGH, HIGH - 1}
    | {1 << 31, -(1 << 31), (1 << 31) - 1, -(1 << 31) - 1, (1 << 32) - 1, 1 << 32, -(1 << 32)}
    | {0x80, -0x80, 0x7F, 0x8000, -0x8000, 0x5555555555555555, LOW // 3, HIGH // 7}
)
WORDS = st.one_of(st.sampled_from(CORNERS), st.integers(LOW, HIGH))


def signed(value: int, size: int = 64) -> int:
    """The low `size` bits of `value` as a signed number: by bytes, unlike `bits`."""
    data = (value & (1 << size) - 1).to_bytes(size // 8, "little")
    return int.from_bytes(data, "little", signed=True)


def towards_zero(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


ONE = {
    "i64": lambda a: a,
    "i32": lambda a: signed(a, 32),
    "i16": lambda a: signed(a, 16),
    "i8": lambda a: signed(a, 8),
}
TWO = {
    "ltu": lambda a, b: (a & M64) < (b & M64),
    "mulh": lambda a, b: signed(a * b >> 64),
    "mulhu": lambda a, b: signed((a & M64) * (b & M64) >> 64),
    "mulhsu": lambda a, b: signed(a * (b & M64) >> 64),
    "div": lambda a, b: -1 if b == 0 else signed(towards_zero(a, b)),
    "rem": lambda a, b: a if b == 0 else signed(a - b * towards_zero(a, b)),
    "divu": lambda a, b: -1 if b == 0 else signed((a & M64) // (b & M64)),
    "remu": lambda a, b: a if b == 0 else signed((a & M64) % (b & M64)),
}
SHIFTS = {
    "sll": lambda a, n: signed(a << n),
    "srl": lambda a, n: signed((a & M64) >> n),
}


class Compiled:
    """The primitives, each called by way of a function that is compiled as the machine is."""

    def __init__(self) -> None:
        from minihv.hw import engine, native

        text = "".join(f"def of_{name}(a): return {name}(a)\n" for name in ONE)
        text += "".join(f"def of_{name}(a, b): return {name}(a, b)\n" for name in TWO | SHIFTS)
        names = [f"of_{name}" for name in ONE | TWO | SHIFTS]
        module = native.module([(ast.parse(text), {})], names)
        self.linked = engine.link(engine.compiled(module, 3), names)

    def __getattr__(self, name: str):
        from minihv.hw import engine

        return engine.built_in(self.linked[f"of_{name}"], 0)


@pytest.fixture(scope="module")
def compiled():
    return Compiled()


def check(compiled, name, expected, *arguments):
    wanted = expected(*arguments)
    assert getattr(bits, name)(*arguments) == wanted
    assert getattr(compiled, name)(*arguments) == wanted


@pytest.mark.parametrize("name", ONE)
def test_narrowing(compiled, name):
    @settings(deadline=None, derandomize=True, database=None)
    @given(WORDS)
    def agree(a):
        check(compiled, name, ONE[name], a)

    agree()
    for a in CORNERS:
        check(compiled, name, ONE[name], a)


@pytest.mark.parametrize("name", TWO)
def test_two_operands(compiled, name):
    @settings(deadline=None, derandomize=True, database=None)
    @given(WORDS, WORDS)
    def agree(a, b):
        check(compiled, name, TWO[name], a, b)

    agree()
    for a, b in itertools.product(CORNERS, CORNERS):
        check(compiled, name, TWO[name], a, b)


@pytest.mark.parametrize("name", SHIFTS)
def test_shifts(compiled, name):
    for a, n in itertools.product(CORNERS, range(64)):
        check(compiled, name, SHIFTS[name], a, n)


def test_plain_forms_wrap_what_does_not_fit():
    """The compiled int64 wraps by itself; the plain form must do it in `i64`."""
    for value in (1 << 63, (1 << 64) - 1, -(1 << 63) - 1, (1 << 127) + 5, -(1 << 100)):
        assert bits.i64(value) == signed(value)
        assert bits.i32(value) == signed(value, 32)


def test_every_primitive_is_tested():
    tested = {*ONE, *TWO, *SHIFTS, "u64", "call_region"}  # an index; not arithmetic
    public = {name for name, value in vars(bits).items() if callable(value)}
    assert public == tested
