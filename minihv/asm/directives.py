"""The assembler's directives: what each of them adds to the source's items.

A handler gets the assembler, the directive's name and its operands. Source: GNU as manual,
chapter 7.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from minihv.asm.expressions import Node, Number, Problem, Text, evaluate, suggest, symbols, unescape
from minihv.asm.items import Align, Data, Org, Section, Space

if TYPE_CHECKING:
    from minihv.asm.assembler import Assembler

_WIDTHS = {
    ".byte": 1, ".half": 2, ".short": 2, ".word": 4, ".long": 4, ".int": 4, ".dword": 8,
    ".quad": 8, ".2byte": 2, ".4byte": 4, ".8byte": 8,
}  # fmt: skip
# What a linker or debugger would want to know: accepted without effect.
_IGNORED = (".local .weak .hidden .protected .internal .type .size .file .ident .attribute .loc "
            ".cfi_startproc .cfi_endproc").split()  # fmt: skip
_OPTIONS = ("relax", "norelax", "pic", "nopic", "arch")
_STEMS = {".text": ".text", ".rodata": ".rodata", ".data": ".data", ".sdata": ".data",
          ".bss": ".bss", ".sbss": ".bss"}  # fmt: skip
_MAX_ALIGN = 16


def direct(asm: Assembler, name: str, operands: list[Text]) -> None:
    """Carry out the directive `name` at the assembler's place; Problem if that is not possible."""
    if name not in DIRECTIVES:
        raise Problem(f"unknown directive '{name}'{suggest(name, DIRECTIVES)}", asm.place.column)
    handler, fewest, most = DIRECTIVES[name]
    if not fewest <= len(operands) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
        message = f"{name} takes {wanted} operands, here are {len(operands)}"
        raise Problem(message, asm.place.column)
    for text, at in operands:
        if not text and handler not in (_align, _ignore):  # .align 4, , 15 leaves the fill out
            raise Problem("an operand is missing beside this comma", at)
    handler(asm, name, operands)


def _constant(asm: Assembler, text: str, column: int) -> int:
    """Return a number that must be known here, because the layout depends on it."""
    node = asm.expression(text, column)
    if any(symbols(node)):
        raise Problem(f"this must be a number, not '{text}'", column)
    return evaluate(node, None)  # type: ignore[arg-type]  # without symbols no scope is asked


def _data(asm: Assembler, name: str, operands: list[Text]) -> None:
    asm.add(Data(*asm.place, _WIDTHS[name], [asm.expression(*operand) for operand in operands]))


def _strings(asm: Assembler, name: str, operands: list[Text]) -> None:
    end = b"" if name == ".ascii" else b"\0"
    for text, at in operands:
        if not re.fullmatch(r'"(?:\\.|[^"\\])*"', text):
            raise Problem(f"{name} takes a string in double quotes", at)
        data = unescape(text[1:-1], at + 1) + end
        asm.add(Data(*asm.place, 1, [Number(byte, at) for byte in data]))


def _numbers(asm: Assembler, operands: list[Text], count: int) -> list[Node]:
    """Return `count` expressions: the operands', 0 for those that are left out."""
    nodes = [asm.expression(*operand) for operand in operands]
    return nodes + [Number(0, 0)] * (count - len(nodes))


def _space(asm: Assembler, name: str, operands: list[Text]) -> None:
    count, fill = _numbers(asm, operands, 2)
    asm.add(Space(*asm.place, count, fill))


def _fill(asm: Assembler, name: str, operands: list[Text]) -> None:
    """``.fill repeat, size, value``."""
    width = _constant(asm, *operands[1]) if len(operands) > 1 else 1
    if not 1 <= width <= 8:
        raise Problem(f".fill repeats 1 to 8 bytes, not {width}", operands[1].column)
    count, _, value = _numbers(asm, operands, 3)
    asm.add(Space(*asm.place, count, value, width))


def _org(asm: Assembler, name: str, operands: list[Text]) -> None:
    target, fill = _numbers(asm, operands, 2)
    asm.add(Org(*asm.place, target, fill))


def _align(asm: Assembler, name: str, operands: list[Text]) -> None:
    """``.align n`` and ``.p2align n`` to 2**n bytes, ``.balign n`` to n."""
    numbers = [_constant(asm, text, at) if text else None for text, at in operands]
    first, fill, most = numbers + [None] * (3 - len(numbers))
    at, to = operands[0].column, first or 0
    if name != ".balign":
        if not 0 <= to <= _MAX_ALIGN:
            raise Problem(f"{name} takes a power of two, 0..{_MAX_ALIGN} (.balign takes bytes), "
                          f"not {to}", at)  # fmt: skip
        to = 1 << to
    if not (0 < to <= 1 << _MAX_ALIGN and to & to - 1 == 0):
        raise Problem(f"{name} takes a power of two up to {1 << _MAX_ALIGN}, not {to}", at)
    asm.section.align = max(asm.section.align, to)
    asm.add(Align(*asm.place, to, fill, most, asm.section.name == ".text"))


def _section(asm: Assembler, name: str, operands: list[Text]) -> None:
    """``.text``, ``.data`` ... and ``.section name, flags``; ``.text.x`` is part of ``.text``."""
    name = operands[0].text if name == ".section" else name
    stem = "." + name.strip('"').lstrip(".").split(".")[0]
    chosen = _STEMS.get(stem, name)
    asm.section = asm.sections.setdefault(chosen, Section(chosen))


def _set(asm: Assembler, name: str, operands: list[Text]) -> None:
    (symbol, at), value = operands
    if not re.fullmatch(r"[A-Za-z_.$][\w.$]*", symbol):
        raise Problem(f"'{symbol}' cannot name a value", at)
    asm.assign(symbol, asm.expression(*value), at)


def _globl(asm: Assembler, name: str, operands: list[Text]) -> None:
    asm.globals |= {operand.text for operand in operands}


def _option(asm: Assembler, name: str, operands: list[Text]) -> None:
    option, at = operands[0]
    if option == "push":
        asm.options.append(asm.compress)
    elif option == "pop":
        if not asm.options:
            raise Problem(".option pop without a .option push before it", at)
        asm.compress = asm.options.pop()
    elif option in ("rvc", "norvc"):
        asm.compress = option == "rvc"
    elif option not in _OPTIONS:
        raise Problem(f"unknown option '{option}' (rvc, norvc, push, pop)", at)


def _ignore(asm: Assembler, name: str, operands: list[Text]) -> None:
    pass


class Directive(NamedTuple):
    """What carries a directive out, and how many operands it takes."""

    handler: Callable[[Assembler, str, list[Text]], None]
    fewest: int = 1
    most: int = 1 << 30


DIRECTIVES = {
    **dict.fromkeys(_WIDTHS, Directive(_data)),
    **dict.fromkeys((".ascii", ".asciz", ".string"), Directive(_strings)),
    **dict.fromkeys((".zero", ".space", ".skip"), Directive(_space, 1, 2)),
    **dict.fromkeys((".align", ".p2align", ".balign"), Directive(_align, 1, 3)),
    **dict.fromkeys((".text", ".data", ".bss", ".rodata"), Directive(_section, 0)),
    ".section": Directive(_section, 1, 4),
    **dict.fromkeys((".equ", ".set"), Directive(_set, 2, 2)),
    **dict.fromkeys((".globl", ".global"), Directive(_globl)),
    **dict.fromkeys(_IGNORED, Directive(_ignore, 0)),
    ".fill": Directive(_fill, 1, 3),
    ".org": Directive(_org, 1, 2),
    ".option": Directive(_option),
}
