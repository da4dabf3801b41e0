"""Expressions of assembly source: numbers, symbols, operators, %hi and its kin.

Values are 64-bit and wrap around; precedence is GNU's, not C's: first ``* / % << >>``, then
``| & ^``, last ``+ -``. ``/`` and ``%`` truncate toward zero, ``>>`` shifts zeros in.

Source: GNU as manual, chapter 6 (expressions); RISC-V Assembly Programmer's Manual, relocation
functions.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from minihv.hw.bits import MASK64, i64


class Text(NamedTuple):
    """A piece of a line, and the column (from 0) where it starts."""

    text: str
    column: int


class Problem(ValueError):
    """What is wrong with a piece of source at `column` (from 0) of its line."""

    def __init__(self, message: str, column: int):
        super().__init__(message)
        self.message = message
        self.column = column


class UndefinedSymbol(Problem):
    """A symbol, `name`, that has no value (yet)."""

    def __init__(self, message: str, column: int, name: str):
        super().__init__(message, column)
        self.name = name


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean ...?`` with the names nearest to `name`, empty if none is near."""
    near = difflib.get_close_matches(name, list(known), 3, 0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


class Scope(Protocol):
    """What an expression may ask: values of symbols, and its own address."""

    here: int

    def value(self, name: str, column: int) -> int:
        """Return the symbol's value, an address for a label; UndefinedSymbol if it has none."""
        ...

    def pcrel_distance(self, address: int, column: int) -> int:
        """Return how far the %pcrel_hi of the instruction at `address` reaches from there."""
        ...


@dataclass(frozen=True)
class Number:
    value: int
    column: int


@dataclass(frozen=True)
class Symbol:
    """A name; ``.`` is the current address, ``1f`` and ``1b`` are numeric local labels."""

    name: str
    column: int


@dataclass(frozen=True)
class Operation:
    """A unary (one argument) or binary operator, or a relocation function such as ``%hi``."""

    operator: str
    arguments: tuple[Node, ...]
    column: int


Node = Number | Symbol | Operation

_TOKEN = re.compile(
    r"""\s*(?: (?P<local>\d+[fb])(?![\w.$])
             | (?P<number>0[xX][0-9a-fA-F]+ | 0[bB][01]+ | \d+)(?![\w.$])
             | (?P<char>'(?:\\.[0-7xX0-9a-fA-F]*|[^'\\])')
             | (?P<symbol>[A-Za-z_.$][\w.$]*)
             | (?P<function>%(?:pcrel_hi|pcrel_lo|hi|lo)(?=\s*\())
             | (?P<operator><<|>>|[-+*/%&|^~()]) )""",
    re.VERBOSE,
)
FUNCTIONS = frozenset(("%hi", "%lo", "%pcrel_hi", "%pcrel_lo"))
_PRECEDENCE = {"+": 1, "-": 1, "|": 2, "&": 2, "^": 2, "*": 3, "/": 3, "%": 3, "<<": 3, ">>": 3}
_ESCAPES = {"n": 10, "t": 9, "r": 13, "b": 8, "f": 12, "\\": 92, "'": 39, '"': 34}
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]+)|(.))", re.DOTALL)


def unescape(text: str, column: int) -> bytes:
    """Return the bytes of a string's inside: UTF-8, with C's escapes resolved."""
    out = bytearray()
    at = 0
    for match in _ESCAPE.finditer(text):
        out += text[at : match.start()].encode()
        octal, hexadecimal, letter = match.groups()
        if letter and letter not in _ESCAPES:
            raise Problem(f"unknown escape \\{letter} (known: \\n \\t \\r \\b \\f \\\\ \\' \\\" "
                          "\\0 \\x41)", column + match.start())  # fmt: skip
        code = int(octal, 8) if octal else int(hexadecimal, 16) if hexadecimal else 0
        out.append(_ESCAPES[letter] if letter else code & 0xFF)
        at = match.end()
    return bytes(out + text[at:].encode())


MOST_TOKENS = 250


class _Parser:
    """Precedence climbing over the tokens of one expression."""

    def __init__(self, text: str, column: int):
        self.tokens = list(_tokenize(text, column))
        if len(self.tokens) > MOST_TOKENS:  # it is worked through by recursion
            raise Problem(f"this expression has more than {MOST_TOKENS} parts: name some of them "
                          "with .equ", column)  # fmt: skip
        self.end = column + len(text.rstrip())
        self.at = 0

    def peek(self) -> tuple[str, str, int]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "", self.end)

    def next(self) -> tuple[str, str, int]:
        token = self.peek()
        self.at += 1
        return token

    def binary(self, lowest: int = 1) -> Node:
        left = self.unary()
        while (strength := _PRECEDENCE.get(self.peek()[1], 0)) >= lowest:
            _, operator, column = self.next()
            left = Operation(operator, (left, self.binary(strength + 1)), column)
        return left

    def unary(self) -> Node:
        kind, text, column = self.next()
        if kind == "number":
            return Number(_integer(text, column), column)
        if kind == "char":
            return Number(_character(text, column), column)
        if kind in ("symbol", "local"):
            return Symbol(text, column)
        if kind == "function":
            return Operation(text, (self.unary(),), column)
        if text in ("-", "+", "~"):
            return Operation(text, (self.unary(),), column)
        if text == "(":
            inside = self.binary()
            if self.next()[1] != ")":
                raise Problem("this ( has no closing )", column)
            return inside
        found = f"found {text!r}" if text else "the expression ends here"
        raise Problem(f"expected a number, a symbol or ( but {found}", column)


def _tokenize(text: str, column: int) -> Iterator[tuple[str, str, int]]:
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if not match:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise Problem(f"cannot read {text[start:].strip()!r} as an expression", column + start)
        kind = match.lastgroup or ""
        yield kind, match[kind], column + match.start(kind)
        at = match.end()


def _integer(text: str, column: int) -> int:
    """Return a number as C writes it: 0x is hexadecimal, 0b binary, a leading 0 octal."""
    octal = len(text) > 1 and text.isdigit() and text[0] == "0"
    try:
        value = int(text, 8 if octal else 0)
    except ValueError:
        raise Problem(f"{text} is no octal number (a leading 0 means octal)", column) from None
    if value >= 1 << 64:
        raise Problem(f"{text} does not fit in 64 bits", column)
    return value


def _character(text: str, column: int) -> int:
    code = unescape(text[1:-1], column + 1)
    if len(code) != 1:
        raise Problem(f"{text} is not one byte", column)
    return code[0]


def parse(text: str, column: int = 0) -> Node:
    """Return the expression in `text`, which starts at `column`; Problem if it is malformed."""
    parser = _Parser(text, column)
    node = parser.binary()
    kind, rest, at = parser.peek()
    if kind != "end":
        raise Problem(f"unexpected {rest!r} here; is a comma or an operator missing?", at)
    return node


def substitute(node: Node, change: Callable[[Symbol], Node]) -> Node:
    """Return `node` with every symbol replaced by `change(symbol)`."""
    if isinstance(node, Symbol):
        return change(node)
    if isinstance(node, Operation):
        return replace(node, arguments=tuple(substitute(a, change) for a in node.arguments))
    return node


def symbols(node: Node) -> Iterator[Symbol]:
    """Yield every symbol in `node`, ``.`` included."""
    if isinstance(node, Symbol):
        yield node
    elif isinstance(node, Operation):
        for argument in node.arguments:
            yield from symbols(argument)


def has_function(node: Node) -> bool:
    """Return whether `node` uses ``%hi`` or its kin (their users keep their full length)."""
    if not isinstance(node, Operation):
        return False
    return node.operator in FUNCTIONS or any(map(has_function, node.arguments))


def evaluate(node: Node, scope: Scope) -> int:
    """Return the signed 64-bit value of `node`; Problem if it has none."""
    if isinstance(node, Number):
        return i64(node.value)
    if isinstance(node, Symbol):
        return i64(scope.here if node.name == "." else scope.value(node.name, node.column))
    values = [evaluate(argument, scope) for argument in node.arguments]
    if node.operator in FUNCTIONS:
        return _relocate(node, values[0], scope)
    if len(values) == 1:
        return i64({"-": -values[0], "+": values[0], "~": ~values[0]}[node.operator])
    return i64(_combine(node, *values))


def _combine(node: Operation, left: int, right: int) -> int:
    match node.operator:
        case "+" | "-":
            return left + right if node.operator == "+" else left - right
        case "*":
            return left * right
        case "&" | "|" | "^":
            return {"&": left & right, "|": left | right, "^": left ^ right}[node.operator]
        case "<<" | ">>":
            if not 0 <= right < 64:
                raise Problem(f"a shift by {right} is not within 0..63", node.column)
            return left << right if node.operator == "<<" else (left & MASK64) >> right
    if right == 0:
        raise Problem("division by zero", node.column)
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return quotient if node.operator == "/" else left - quotient * right


def high20(value: int) -> int:
    """Return the lui or auipc operand that leaves a signed 12-bit rest."""
    return value + 0x800 >> 12 & 0xFFFFF


def low12(value: int) -> int:
    """Return the signed rest that `high20` leaves."""
    return (value + 0x800 & 0xFFF) - 0x800


def reaches(distance: int) -> bool:
    """Return whether lui or auipc with a signed 12-bit rest reaches a signed `distance`."""
    return -(1 << 31) <= distance + 0x800 < 1 << 31


def _relocate(node: Operation, value: int, scope: Scope) -> int:
    column = node.arguments[0].column
    shown = f"{value & MASK64:#x}"
    match node.operator:
        case "%pcrel_lo":
            return low12(scope.pcrel_distance(value, column))
        case "%pcrel_hi":
            if not reaches(value - scope.here):
                raise Problem(f"{shown} is more than 2 GiB away; use li", column)
            return high20(value - scope.here)
        case "%lo":
            return low12(value)
    # On RV64 lui sign-extends: bit 31 of an address must not be set. A constant may want that.
    if any(symbols(node)) and not reaches(value) or not -(1 << 31) <= value < 1 << 32:
        raise Problem(
            f"%hi cannot reach {shown}: lui gives signed 32-bit values; use la, or %pcrel_hi "
            "with auipc", column,
        )  # fmt: skip
    return high20(value)
