"""The assembler's directives: what each of them adds to the source's items.

A handler gets the assembler, the directive's name, its operands as (text, column) and the
column where it stands. Source: GNU as manual, chapter 7.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from minihv.asm.expressions import Node, Number, Problem, evaluate, symbols, unescape
from minihv.asm.items import Align, Bytes, Data, Org, Section, Space

if TYPE_CHECKING:
    from minihv.asm.assembler import Assembler

Operands = list[tuple[str, int]]
Handler = Callable[["Assembler", str, Operands, int], None]

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


def _count(name: str, operands: Operands, column: int, low: int, high: int) -> None:
    if not low <= len(operands) <= high:
        wanted = str(low) if low == high else f"{low} to {high}"
        message = f"{name} takes {wanted} operands, here are {len(operands)}"
        raise Problem(message, column)
    for text, at in operands:
        if not text and "align" not in name:  # .align 4, , 15 leaves the fill out
            raise Problem("an operand is missing beside this comma", at)


def _constant(asm: Assembler, text: str, column: int) -> int:
    """A number that must be known here, because the layout depends on it."""
    node = asm.expression(text, column)
    if any(symbols(node)):
        raise Problem(f"this must be a number, not '{text}'", column)
    return evaluate(node, None)  # type: ignore[arg-type]  # without symbols no scope is asked


def _data(asm: Assembler, name: str, operands: Operands, column: int) -> None:
    _count(name, operands, column, 1, 1 << 30)
    nodes = [asm.expression(text, at) for text, at in operands]
    asm.add(Data(asm.section, asm.number, column, _WIDTHS[name], nodes))


def _strings(asm: Assembler, name: str, operands: Operands, column: int) -> None:
    _count(name, operands, column, 1, 1 << 30)
    end = b"" if name == ".ascii" else b"\0"
    for text, at in operands:
        if not re.fullmatch(r'"(?:\\.|[^"\\])*"', text):
            raise Problem(f"{name} takes a string in double quotes", at)
        data = unescape(text[1:-1], at + 1) + end
        asm.add(Bytes(asm.section, asm.number, column, data))


def _space(asm: Assembler, name: str, operands: Operands, column: int) -> None:
    _count(name, operands, column, 1, 2)
    count, fill = _with_fill(asm, operands)
    asm.add(Space(asm.section, asm.number, column, count, fill))


def _with_fill(asm: Assembler, operands: Operands) -> tuple[Node, Node]:
    first, *rest = (asm.expression(text, at) for text, at in operands)
    return first, rest[0] if rest else Number(0, 0)


def _fill(asm: Assembler, name: str, operands: Operands, column: int) -> None:
    """``.fill repeat, size, value``."""
    _count(name, operands, column, 1, 3)
    width = _constant(asm, *operands[1]) if len(operands) > 1 else 1
    if not 1 <= width <= 8:
        raise Problem(f".fill repeats 1 to 8 bytes, not {width}", operands[1][1])
    value = asm.expression(*operands[2]) if len(operands) > 2 else Number(0, 0)
    count = asm.expression(*operands[0])
    asm.add(Space(asm.section, asm.number, column, count, value, width))


def _org(asm: Assembler, name: str, operands: Operands, column: int) -> None:
    _count(name, operands, column, 1, 2)
    target, fill = _with_fill(asm, operands)
    asm.add(Org(asm.section, asm.number, column, target, fill))


def _align(asm: Assembler, name: str, operands: Operands, column: int) -> None:
    """``.align n`` and ``.p2align n`` to 2**n bytes, ``.balign n`` to n."""
    _count(name, operands, column, 1, 3)
    numbers = [_constant(asm, text, at) if text else None for text, at in operands]
    at = operands[0][1]
    to = numbers[0] or 0
    if name != ".balign":
        if not 0 <= to <= _MAX_ALIGN:
            raise Problem(f"{name} takes a power of two, 0..{_MAX_ALIGN} (.balign takes bytes), "
                          f"not {to}", at)  # fmt: skip
        to = 1 << to
    if not (0 < to <= 1 << _MAX_ALIGN and to & to - 1 == 0):
        raise Problem(f"{name} takes a power of two up to {1 << _MAX_ALIGN}, not {to}", at)
    asm.section.align = max(asm.section.align, to)
    fill = numbers[1] if len(numbers) > 1 else None
    most = numbers[2] if len(numbers) > 2 else None
    code = asm.section.name == ".text"
    asm.add(Align(asm.section, asm.number, column, to, fill, most, code))


def _section(asm: Assembler, name: str, operands: Operands, column: int) -> None:
    """``.text``, ``.data`` ... and ``.section name, flags``; ``.text.x`` is part of ``.text``."""
    if name == ".section":
        _count(name, operands, column, 1, 4)
        name = operands[0][0]
    stem = "." + name.strip('"').lstrip(".").split(".")[0]
    chosen = _STEMS.get(stem, name)
    asm.section = asm.sections.setdefault(chosen, Section(chosen))


def _set(asm: Assembler, name: str, operands: Operands, column: int) -> None:
    _count(name, operands, column, 2, 2)
    (symbol, at), (text, text_at) = operands
    if not re.fullmatch(r"[A-Za-z_.$][\w.$]*", symbol):
        raise Problem(f"'{symbol}' cannot name a value", at)
    asm.assign(symbol, asm.expression(text, text_at), at)


def _globl(asm: Assembler, name: str, operands: Operands, column: int) -> None:
    _count(name, operands, column, 1, 1 << 30)
    asm.globals |= {text for text, _ in operands}


def _option(asm: Assembler, name: str, operands: Operands, column: int) -> None:
    _count(name, operands, column, 1, 1 << 30)
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


def _ignore(asm: Assembler, name: str, operands: Operands, column: int) -> None:
    pass


DIRECTIVES: dict[str, Handler] = {
    **dict.fromkeys(_WIDTHS, _data),
    **dict.fromkeys((".ascii", ".asciz", ".string"), _strings),
    **dict.fromkeys((".zero", ".space", ".skip"), _space),
    **dict.fromkeys((".align", ".p2align", ".balign"), _align),
    **dict.fromkeys((".text", ".data", ".bss", ".rodata", ".section"), _section),
    **dict.fromkeys((".equ", ".set"), _set),
    **dict.fromkeys((".globl", ".global"), _globl),
    **dict.fromkeys(_IGNORED, _ignore),
    ".fill": _fill,
    ".org": _org,
    ".option": _option,
}
