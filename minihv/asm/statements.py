"""First pass of the assembler, one statement at a time: mnemonic and operands to instructions.

An instruction's forms are its row of the encoding table and the pseudo-instructions of its name;
the first one whose kinds of operands (register, memory, expression) fit is taken. A row is a form
with one step: itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from minihv.asm.expressions import Node, Number, Problem, Symbol, Text, parse, substitute, suggest
from minihv.asm.instructions import Operand
from minihv.asm.operands import REGISTER_FIELDS, REGISTER_NUMBER, fence_bits, split_token
from minihv.asm.pseudo import PSEUDOS, Pseudo
from minihv.hw import registers
from minihv.hw.isa import BY_NAME, Instruction

_MEMORY = re.compile(r"(.*)\(\s*(\w+)\s*\)", re.DOTALL)
_ORDERED = re.compile(r"((?:lr|sc|amo\w+)\.[wd])\.(aq|rl|aqrl)")
_REGISTER_TOKENS = REGISTER_FIELDS | {"rs", "rt", "sp"}


@dataclass(frozen=True)
class Given:
    """An operand as written: a register, ``offset(register)``, or an expression."""

    text: str
    column: int
    register: int | None = None
    node: Node | None = None

    @property
    def kind(self) -> str:
        """``register``, ``memory`` or ``expression``."""
        if self.register is None:
            return "expression"
        return "memory" if self.text.endswith(")") else "register"


class Step(NamedTuple):
    """An instruction with its operands."""

    row: Instruction
    operands: list[Operand]


def read_operand(text: str, column: int) -> Given:
    """Return the operand in `text`, which starts at `column`; Problem if it is malformed."""
    if not text:
        raise Problem("an operand is missing beside this comma", column)
    if text in REGISTER_NUMBER:
        return Given(text, column, REGISTER_NUMBER[text])
    memory = _MEMORY.fullmatch(text)
    if memory and memory[2] in REGISTER_NUMBER:
        node = parse(memory[1], column) if memory[1].strip() else Number(0, column)
        return Given(text, column, REGISTER_NUMBER[memory[2]], node)
    return Given(text, column, None, parse(text, column))


def split(text: str, separator: str, column: int = 0) -> Iterator[Text]:
    """Yield the stripped parts of `text` between separators outside quotes."""
    start = 0
    pattern = rf'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|{re.escape(separator)}|\Z'
    for match in re.finditer(pattern, text):
        if match[0] in (separator, ""):
            part = text[start : match.start()]
            yield Text(part.strip(), column + start + len(part) - len(part.lstrip()))
            start = match.end()


@cache
def forms() -> dict[str, list[Pseudo]]:
    """Return what each mnemonic may mean, in the order in which it is tried."""
    found = {name: [Pseudo(name, row.syntax, ((name, row.syntax),), False)]
             for name, row in BY_NAME.items()}  # fmt: skip
    for pseudo in PSEUDOS:
        found.setdefault(pseudo.name, []).append(pseudo)
    return found


def _kind(token: str) -> str:
    if "(" in token:
        return "memory"
    return "register" if token in _REGISTER_TOKENS else "expression"


def instructions(name: str, given: list[Given], column: int) -> list[Step]:
    """Return the instructions that a mnemonic with these operands gives; Problem if none fits.

    Only names of instructions come here; li and directives do not.
    """
    name, order = _ordering(name)
    candidates = forms().get(name)
    if not candidates:
        raise Problem(f"unknown instruction '{name}'{suggest(name, forms())}", column)
    if name == "c.nop" and not given:
        given = [read_operand("0", column)]  # it is written without its immediate
    kinds = [operand.kind for operand in given]
    for form in candidates:
        if kinds == list(map(_kind, form.operands)):
            first, *rest = _expand(form, given, column)
            return [first._replace(operands=first.operands + order), *rest]
    raise _mismatch(name, candidates, given, column)


def _ordering(name: str) -> tuple[str, list[Operand]]:
    """Return an atomic's name without ``.aq``, ``.rl``, ``.aqrl``, and the bits that they set."""
    match = _ORDERED.fullmatch(name)
    if not match or match[1] not in BY_NAME:
        return name, []
    return match[1], [Operand(bit, 1) for bit in ("aq", "rl") if bit in match[2]]


def _expand(form: Pseudo, given: list[Given], column: int) -> list[Step]:
    """Return the steps of a form with its operands put in."""
    bound: dict[str, int | Node] = {}
    places: dict[str, Given] = {}
    for token, operand in zip(form.operands, given, strict=True):
        *offset, last = split_token(token)
        if offset and operand.node is not None:
            bound[offset[0]] = operand.node
        elif "(" in token and operand.node != Number(0, operand.column):
            raise Problem(f"{form.name} takes (register) without an offset", operand.column)
        value = operand.node if operand.register is None else operand.register
        assert value is not None
        bound[last] = value
        places |= dict.fromkeys((*offset, last), operand)
    return [_step(BY_NAME[name], texts, bound, places, column) for name, texts in form.steps]


def _step(row: Instruction, texts: tuple[str, ...], bound: Mapping[str, int | Node],
          places: Mapping[str, Given], column: int) -> Step:  # fmt: skip
    out = []
    shown = [text for text in texts if "=" not in text]
    for token, part in _pairs(row, shown):
        value = bound[part] if part in bound else _fixed(part, bound, column)
        out.append(_value(row, token, value, places.get(part, Given(part, column))))
    for name, _, number in (text.partition("=") for text in texts if "=" in text):  # fm=8
        out.append(Operand(name, int(number)))
    return Step(row, [operand for operand in out if operand.token != "sp"])


def _pairs(row: Instruction, texts: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the fields of a row's syntax with a form's texts: ``imm`` with ``0``."""
    for token, text in zip(row.syntax, texts, strict=True):
        if "(" in token:
            offset, _, base = text.rpartition("(")
            parts = (offset, base[:-1]) if offset else (base[:-1],)
            yield from zip(split_token(token), parts, strict=True)
        else:
            yield token, text


def _fixed(part: str, bound: Mapping[str, int | Node], column: int) -> int | Node:
    """Return a constant of the table, or an expression with the operands put in."""
    if part in REGISTER_NUMBER:
        return REGISTER_NUMBER[part]

    def put_in(symbol: Symbol) -> Node:
        value = bound.get(symbol.name, symbol)
        assert not isinstance(value, int), "a register within an expression"
        return value

    return substitute(parse(part, column), put_in)


def _value(row: Instruction, token: str, value: int | Node, given: Given) -> Operand:
    """Return one operand, checked as far as possible without knowing symbols."""
    if token == "sp" and value != 2:
        raise Problem(f"{row.name} works on sp only", given.column)
    if token.endswith("'") and value not in range(8, 16):
        raise Problem(f"{row.name} reaches only s0, s1 and a0..a5 here", given.column)
    if token in ("pred", "succ"):
        bits = fence_bits(given.text)
        if bits is None:
            raise Problem("fence takes a set of i, o, r, w (such as rw) or 0", given.column)
        value = bits
    if token == "csr" and isinstance(value, Symbol):
        value = registers.NUMBER.get(value.name, value)
    return Operand(token, value)


def _mismatch(name: str, candidates: list[Pseudo], given: list[Given], column: int) -> Problem:
    """Say in what the operands differ from the form that comes nearest."""
    same = [form for form in candidates if len(form.operands) == len(given)]
    if not same:
        usage = " or ".join(dict.fromkeys(_usage(form) for form in candidates[:3]))
        return Problem(f"{name} has {len(given)} operands here; write {usage}", column)
    number, token, operand = next(
        (number, token, operand)
        for number, (token, operand) in enumerate(zip(same[0].operands, given, strict=True), 1)
        if _kind(token) != operand.kind
    )
    wanted = {"register": "a register (x0..x31, zero ra sp gp tp t0..t6 s0..s11 a0..a7)",
              "memory": f"{token}, an address in a register",
              "expression": "a number or symbol"}[_kind(token)]  # fmt: skip
    message = f"operand {number} of {name} must be {wanted}, not '{operand.text}'"
    return Problem(f"{message} (write {_usage(same[0])})", operand.column)


def _usage(form: Pseudo) -> str:
    return f"{form.name} {', '.join(form.operands)}".strip()
