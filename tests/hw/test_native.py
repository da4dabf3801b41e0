"""The machine's source as LLVM IR: what it says is what Python does, and the rest is refused."""

import ast
import random
import sys

import numpy as np
import pytest

from minihv.devices.virt import Machine
from minihv.errors import ConfigError
from minihv.hw import engine, native

pytest.importorskip("llvmlite", reason="LLVM is not installed: there is one form only")

SOURCE = """
def ends(s, a):
    return a if a > 0 and s[a] or not a else -1
def chained(a, b):
    return 0 < a <= b < 7
def down(a):
    total = k = 0
    for k in range(a, -3, -2):
        if k == 5:
            continue
        if k < 0:
            break
        total += k
    return total * 10 + k
def primes(a):
    found = 0
    for number in PRIMES:
        if number == a:
            continue
        if a // number * number == a:
            found += number
            break
    return found
def pair(a, b):
    if a > b:
        return b, a
    return a, b
def swapped(a, b):
    low, high = pair(a, b)
    a, b = high, low
    return a - b
def loops(a):
    n = 0
    while True:
        n += 1
        while a > 100:
            a -= 7
            if a == 99:
                return -n
        a += 3
        if n > 5:
            break
    return a + n
def tables(a):
    return TABLE[a & 3] + min(a, 9) - max(a, -9)
def narrow(s, r8, a):
    r8[3] = a
    s[1] = r8[3]
    s[0] = s[2] = a ^ 1
    return r8[3] + s[2]
def sizes(s, r8):
    return len(s) * 100 + len(r8)
def copies(v, s):
    s[THERE] = v[HERE]
    return s[4]
def only_if(s, a):
    s[0] = 0
    if a and bump(s) or not a and not bump(s):
        s[0] += 100
    return s[0]
def bump(s):
    s[0] += 1
    return s[0] > 0
"""
NAMES = {"PRIMES": (2, 3, 5), "TABLE": memoryview(np.array([5, -6, 7, -8], np.int64)),
         "HERE": slice(0, 3), "THERE": slice(4, 7)}  # fmt: skip
EXPORTS = [node.name for node in ast.parse(SOURCE).body if node.name != "pair"]


def arrays() -> dict:
    chance = random.Random(3)
    some = {name: np.array([chance.randint(-99, 99) for _ in range(16)], np.int64)
            for name in ("s", "v")}  # fmt: skip
    return some | {"r8": np.arange(8, dtype=np.int8)}


@pytest.fixture(scope="module")
def linked():
    text = native.module([(ast.parse(SOURCE), NAMES)], EXPORTS)
    return engine.link(engine.compiled(text, 3), EXPORTS)


@pytest.mark.parametrize("name", EXPORTS)
def test_the_same_as_python(name, linked):
    python = dict(NAMES)
    exec(SOURCE, python)
    function = python[name]
    parameters = function.__code__.co_varnames[: function.__code__.co_argcount]
    for a in range(-20, 200, 3):
        for b in (-5, 2, 6, a):
            mine, theirs = arrays(), arrays()
            numbers = [{"a": a % 16 if "s" in parameters else a, "b": b}[each]
                       for each in parameters if each not in mine]  # fmt: skip
            block = np.zeros(native.BLOCK_SIZE, np.int64)
            for each, array in mine.items():
                block[2 * native.BLOCK[each] :][:2] = array.ctypes.data, array.size
            got = engine.built_in(linked[name], block.ctypes.data)(*numbers)
            views = {each: memoryview(array) for each, array in theirs.items()}
            views["s"] = Sliced(views["s"]) if name == "copies" else views["s"]
            rest = iter(numbers)
            wanted = function(*(views[x] if x in views else next(rest) for x in parameters))
            assert got == int(wanted)
            assert all((mine[each] == theirs[each]).all() for each in mine)


class Sliced:
    """A memoryview takes slices from one of its own kind, and so it does here."""

    def __init__(self, view):
        self.view = view

    def __setitem__(self, at, value):
        self.view[at] = value

    def __getitem__(self, at):
        return self.view[at]


@pytest.mark.parametrize("text", [
    "s.append(a)", "a = [1]", "for k in s:\n        pass", "return nobody(a)", "return q[a]",
    "return s[a:]", "a = a ** 2", "with a:\n        pass", "return 1 << a if a else 'x'",
    "del a", "return unknown", "a = 1.5",
])  # fmt: skip
def test_what_it_cannot_say_is_refused_by_name(text):
    with pytest.raises(ValueError, match="`"):
        native.module([(ast.parse(f"def f(s, a):\n    {text}"), {})], ["f"])


def test_without_llvm_one_line_says_so(monkeypatch):
    engine.host.cache_clear()
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    with pytest.raises(ConfigError, match="jit engine needs llvmlite .* engine='python'"):
        Machine(1 << 20, engine="jit")
    assert Machine(1 << 20, engine="python").harts
    engine.host.cache_clear()
