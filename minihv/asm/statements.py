"""First pass of the assembler, one statement at a time: mnemonic and operands to items.

An instruction's forms are its row of the encoding table and the pseudo-instructions of its name;
the first whose kinds of operands (register, memory, expression) fit is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from minihv.asm.expressions import Node, Number, Problem, Symbol, parse, substitute, suggest
from minihv.asm.instructions import Operand
from minihv.asm.operands import (
    REGISTER_FIELDS,
    REGISTER_NUMBER,
    fence_bits,
    split_token,
)
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


def read_operand(text: str, column: int) -> Given:
    """The operand in `text`, which starts at `column`; Problem if it is malformed."""
    if not text:
        raise Problem("an operand is missing beside this comma", column)
    if text in REGISTER_NUMBER:
        return Given(text, column, REGISTER_NUMBER[text])
    memory = _MEMORY.fullmatch(text)
    if memory and memory[2] in REGISTER_NUMBER:
        node = parse(memory[1], column) if memory[1].strip() else Number(0, column)
        return Given(text, column, REGISTER_NUMBER[memory[2]], node)
    return Given(text, column, None, parse(text, column))


def split(text: str, separator: str, column: int = 0) -> Iterator[tuple[str, int]]:
    """The stripped parts of `text` between separators outside quotes, each with its column."""
    start = 0
    pattern = rf'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|{re.escape(separator)}|\Z'
    for match in re.finditer(pattern, text):
        if match[0] in (separator, ""):
            part = text[start : match.start()]
            yield part.strip(), column + start + len(part) - len(part.lstrip())
            start = match.end()


@cache
def forms(name: str) -> tuple[Instruction | Pseudo, ...]:
    """What `name` may mean, in the order in which it is tried."""
    row = (BY_NAME[name],) if name in BY_NAME else ()
    return row + tuple(pseudo for pseudo in PSEUDOS if pseudo.name == name)


@cache
def known_names() -> frozenset[str]:
    """Every mnemonic, without the ``.aq`` and ``.rl`` forms."""
    return frozenset(BY_NAME) | {pseudo.name for pseudo in PSEUDOS}


def tokens_of(form: Instruction | Pseudo) -> tuple[str, ...]:
    """The operands of a form as the table names them."""
    return form.syntax if isinstance(form, Instruction) else form.operands


def _kind(token: str) -> str:
    if "(" in token:
        return "memory"
    return "register" if token in _REGISTER_TOKENS else "expression"


Step = tuple[Instruction, list[Operand]]


def instructions(name: str, given: list[Given], column: int) -> list[Step]:
    """The instructions that a mnemonic with these operands gives; Problem says what does not fit.

    Only names of instructions come here; li and directives do not.
    """
    name, order = _ordering(name)
    candidates = forms(name)
    if not candidates:
        raise Problem(f"unknown instruction '{name}'{suggest(name, known_names())}", column)
    kinds = [operand.kind for operand in given]
    for form in candidates:
        # c.nop is written without its immediate
        bare = form.name == "c.nop" and not given
        if bare or list(map(_kind, tokens_of(form))) == kinds:
            if isinstance(form, Instruction):
                return [(form, [*_operands(form, given), *order])]
            return _expand(form, given, column)
    raise _mismatch(name, candidates, given, column)


def _ordering(name: str) -> tuple[str, list[Operand]]:
    """An atomic's name without ``.aq``, ``.rl``, ``.aqrl``, and the bits they set."""
    match = _ORDERED.fullmatch(name)
    if not match or match[1] not in BY_NAME:
        return name, []
    return match[1], [Operand(bit, bit, 1) for bit in ("aq", "rl") if bit in match[2]]


def _operands(row: Instruction, given: list[Given]) -> list[Operand]:
    out = []
    for token, operand in zip(row.syntax, given, strict=False):
        if "(" in token:
            *offset, base = split_token(token)
            if offset:
                out.append(_value(row, offset[0], operand.node, operand))
            elif not isinstance(operand.node, Number) or operand.node.value:
                raise Problem(f"{row.name} takes (register) without an offset", operand.column)
            out.append(_value(row, base, operand.register, operand))
        else:
            value = operand.node if operand.register is None else operand.register
            out.append(_value(row, token, value, operand))
    return [operand for operand in out if operand.field != "sp"]


def _value(row: Instruction, token: str, value: int | Node | None, given: Given) -> Operand:
    """One operand, checked as far as possible without knowing symbols."""
    assert value is not None
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
    return Operand(token, {"imm20": "imm", "target": "imm"}.get(token, token), value)


def _expand(pseudo: Pseudo, given: list[Given], column: int) -> list[Step]:
    """The steps of a pseudo-instruction with its operands put in."""
    bound: dict[str, int | Node] = {}
    texts: dict[str, Given] = {}
    for token, operand in zip(pseudo.operands, given, strict=True):
        parts = split_token(token)
        values = [operand.node, operand.register] if len(parts) > 1 else [
            operand.node if operand.register is None else operand.register
        ]  # fmt: skip
        bound |= {p: v for p, v in zip(parts, values, strict=True) if v is not None}
        texts |= dict.fromkeys(parts, operand)
    return [_step(BY_NAME[name], operands, bound, texts, column) for name, operands in pseudo.steps]


def _step(row: Instruction, operands: tuple[str, ...], bound: Mapping[str, int | Node],
          texts: Mapping[str, Given], column: int) -> Step:  # fmt: skip
    out = []
    hidden = [text for text in operands if "=" in text]
    for token, part in _pairs(row, operands[: len(operands) - len(hidden)]):
        value = bound[part] if part in bound else _fixed(part, bound, column)
        out.append(_value(row, token, value, texts.get(part, Given(part, column))))
    for text in hidden:  # fm=8
        name, _, number = text.partition("=")
        out.append(Operand(name, name, int(number)))
    return row, out


def _pairs(row: Instruction, operands: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The fields of a row's syntax with the table's texts: ``imm``, ``0`` and ``rs1``, ``x1``."""
    for token, text in zip(row.syntax, operands, strict=True):
        if "(" in token:
            offset, _, base = text.rpartition("(")
            yield from zip(split_token(token), (offset, base[:-1]), strict=True)
        else:
            yield token, text


def _fixed(part: str, bound: Mapping[str, int | Node], column: int) -> int | Node:
    """A constant of the table, or an expression with the operands put in."""
    if part in REGISTER_NUMBER:
        return REGISTER_NUMBER[part]

    def put_in(symbol: Symbol) -> Node:
        value = bound.get(symbol.name, symbol)
        assert not isinstance(value, int), "a register within an expression"
        return value

    return substitute(parse(part, column), put_in)


def _mismatch(name: str, candidates: tuple[Instruction | Pseudo, ...], given: list[Given],
              column: int) -> Problem:  # fmt: skip
    """Says in what the operands differ from the form that comes nearest."""
    same = [form for form in candidates if len(tokens_of(form)) == len(given)]
    if not same:
        usage = " or ".join(dict.fromkeys(_usage(form) for form in candidates[:3]))
        return Problem(f"{name} has {len(given)} operands here; write {usage}", column)
    tokens = tokens_of(same[0])
    wrong = next(
        i for i, (token, operand) in enumerate(zip(tokens, given, strict=True))
        if _kind(token) != operand.kind
    )  # fmt: skip
    operand = given[wrong]
    wanted = {"register": "a register (x0..x31, zero ra sp gp tp t0..t6 s0..s11 a0..a7)",
              "memory": f"{tokens[wrong]}, an address in a register",
              "expression": "a number or symbol"}[_kind(tokens[wrong])]  # fmt: skip
    message = f"operand {wrong + 1} of {name} must be {wanted}, not '{operand.text}'"
    return Problem(f"{message} (write {_usage(same[0])})", operand.column)


def _usage(form: Instruction | Pseudo) -> str:
    return f"{form.name} {', '.join(tokens_of(form))}".strip()
