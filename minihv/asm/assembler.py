"""The assembler: RISC-V assembly source to a program in memory, for cells and guest sources.

``assemble("li a0, 5\\n ebreak")`` is all it takes. Syntax is GNU as's: labels, numeric local labels
(``1:``, ``1b``, ``1f``), the standard pseudo-instructions, CSR names, sections laid one after the
other, comments ``#``, ``//`` and ``/* */``, several statements on a line with ``;``.

Differences from GNU as: explicit ``c.`` instructions need no ``.option rvc`` (which makes the
assembler itself choose short forms); li takes any expression, also of labels further down; a
branch out of reach is an error and not turned around; there are no macros and conditionals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from minihv.asm.constants import LoadConstant
from minihv.asm.directives import direct
from minihv.asm.expressions import Node, Problem, Symbol, Text, parse, substitute, symbols
from minihv.asm.instructions import Code
from minihv.asm.items import Assignment, Item, Label, Place, Section
from minihv.asm.layout import Layout
from minihv.asm.program import Extent, Program
from minihv.asm.statements import Given, instructions, read_operand, split
from minihv.errors import AssemblyError
from minihv.hw.isa import length

_LABEL = re.compile(r"\s*([A-Za-z_.$][\w.$]*|\d+)\s*:")
_ASSIGNMENT = re.compile(r"([A-Za-z_.$][\w.$]*)\s*=(?!=)")
_COMMENT = re.compile(
    r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|/\*.*?\*/|//[^\n]*|#[^\n]*', re.DOTALL
)
_STANDARD = (".text", ".rodata", ".data", ".bss")


def assemble(source: str, origin: int = 0x80000000, *, compress: bool = False) -> Program:
    """Return the program of `source`, laid out from address `origin` up.

    With `compress` every instruction that has a 16-bit form takes it, as after ``.option rvc``.
    Raises AssemblyError with the line and column of the first mistake.
    """
    assembler = Assembler(compress)
    for number, text in enumerate(_without_comments(source).split("\n"), 1):
        try:
            assembler.line(number, text)
        except Problem as error:
            raise AssemblyError(error.message, number, error.column + 1) from None
    return assembler.finish(origin)


def caret(error: AssemblyError, source: str) -> str:
    """Return the line of `source` with a caret under the column of `error`, and what it says."""
    lines = source.split("\n")
    if not 0 < error.line <= len(lines):
        return str(error)
    line = lines[error.line - 1]
    indent = "".join("\t" if c == "\t" else " " for c in line[: error.column - 1])
    return f"{line}\n{indent}^\n{error}"


def _without_comments(source: str) -> str:
    """Return `source` with comments blanked, so that lines and columns stay the same."""

    def blank(match: re.Match[str]) -> str:
        return match[0] if match[0][0] in "\"'" else re.sub(r"[^\n]", " ", match[0])

    text = _COMMENT.sub(blank, source)
    opened = re.search(r"/\*", re.sub(r'"(?:\\.|[^"\\\n])*"', lambda m: " " * len(m[0]), text))
    if opened:
        before = text[: opened.start()]
        line, column = before.count("\n") + 1, opened.start() - before.rfind("\n")
        raise AssemblyError("this /* comment is never closed", line, column)
    return text


class Assembler:
    """The first pass: collects items, sections and labels from lines.

    Directives (directives.py) work on its attributes: `section` is the current one, `place` that
    of the statement at hand, `compress` whether instructions are shortened, `globals` the names
    of ``.globl``.
    """

    place: Place

    def __init__(self, compress: bool = False):
        self.sections = {name: Section(name) for name in _STANDARD}
        self.section = self.sections[".text"]
        self.items: list[Item] = []
        self.compress = compress
        self.options: list[bool] = []
        self.globals: set[str] = set()
        self.defined: dict[str, int] = {}
        self.assigned: set[str] = set()
        self.constants: set[str] = set()
        self.counts: dict[str, int] = {}
        self.number = 0

    def line(self, number: int, text: str) -> None:
        """Take one line without comments; Problem if it is malformed."""
        self.number = number
        for statement, column in split(text, ";"):
            self._statement(statement, column)

    def _statement(self, text: str, column: int) -> None:
        at = 0
        while match := _LABEL.match(text, at):
            self._label(match[1], column + match.start(1))
            at = match.end()
        column += at + len(text[at:]) - len(text[at:].lstrip())
        text = text[at:].strip()
        if not text:
            return
        if match := _ASSIGNMENT.match(text):
            value = self.expression(text[match.end() :], column + match.end())
            self.assign(match[1], value, column)
            return
        name, _, rest = text.replace("\t", " ").partition(" ")
        operands = [*split(rest, ",", column + len(name) + 1)] if rest.strip() else []
        self.place = Place(self.section, self.number, column)
        if name.startswith("."):
            direct(self, name.lower(), operands)
        else:
            self._instruction(name.lower(), operands)

    def _label(self, name: str, column: int) -> None:
        if name.isdigit():
            self.counts[name] = self.counts.get(name, 0) + 1
            name = f"{name}#{self.counts[name]}"
        elif name in self.defined or name in self.assigned:
            where = f" on line {self.defined[name]}" if name in self.defined else " by .set"
            raise Problem(f"'{name}' is already defined{where}; rename one of the two", column)
        self.defined[name] = self.number
        self.add(Label(*Place(self.section, self.number, column), name))

    def _instruction(self, name: str, operands: list[Text]) -> None:
        given = [self._local(read_operand(text, at)) for text, at in operands]
        if name in ("li", "la", "lla") and [o.kind for o in given] == ["register", "expression"]:
            register, node = given[0].register, given[1].node
            assert register is not None and node is not None
            # la of a number is li, as in GNU as: a device's address may be far from the code
            if name == "li" or self._is_constant(node):
                self.add(LoadConstant(*self.place, register, node, self.compress))
                return
        for step in instructions(name, given, self.place.column):
            self.add(Code(*self.place, *step, self.compress))

    def _is_constant(self, node: Node) -> bool:
        """Return whether a value is known here and is no address of this program."""
        return all(symbol.name in self.constants for symbol in symbols(node))

    def _local(self, operand: Given) -> Given:
        """Return the operand with ``1f`` and ``1b`` replaced by what they mean here."""
        if operand.node is None:
            return operand
        return replace(operand, node=substitute(operand.node, self._local_symbol))

    def _local_symbol(self, symbol: Symbol) -> Node:
        if not symbol.name[0].isdigit():
            return symbol
        number, forward = symbol.name[:-1], symbol.name[-1] == "f"
        count = self.counts.get(number, 0)
        if not count and not forward:
            raise Problem(f"no label {number}: comes before this", symbol.column)
        return Symbol(f"{number}#{count + forward}", symbol.column)

    def expression(self, text: str, column: int) -> Node:
        """Return the expression in `text` with local labels resolved."""
        return substitute(parse(text, column), self._local_symbol)

    def assign(self, name: str, node: Node, column: int) -> None:
        """Carry out ``.set name, expression``."""
        if name in self.defined:
            line = self.defined[name]
            raise Problem(f"'{name}' is already a label on line {line}; rename one", column)
        self.assigned.add(name)
        (self.constants.add if self._is_constant(node) else self.constants.discard)(name)
        self.add(Assignment(*Place(self.section, self.number, column), name, node))

    def add(self, item: Item) -> None:
        """Put an item after the others of its section."""
        self.items.append(item)

    def finish(self, origin: int) -> Program:
        """Return the program at `origin`: the second pass."""
        sections = sorted(self.sections.values(), key=_section_order)
        layout = Layout(sections, self.items, origin)
        layout.settle()
        data = layout.emit()
        names = layout.symbols()
        starts = list(self._starts(data, origin))
        return Program(
            origin,
            data,
            names,
            {address: line for address, line, _ in starts},
            tuple(Extent(s.name, s.base, s.size) for s in sections),
            frozenset(self.globals & set(names)),
            {n: label.section.name for n, label in layout.labels.items() if "#" not in n},
            any(short for _, _, short in starts),
        )

    def _starts(self, data: bytes, origin: int) -> Iterator[tuple[int, int, bool]]:
        """Yield each instruction's or datum's address and line, and whether it is compressed."""
        for item in self.items:
            at, end = item.address, item.address + item.size
            while at < end:
                size = length(data[at - origin]) if item.is_code else item.size
                yield at, item.line, item.is_code and size == 2
                at += size


def _section_order(section: Section) -> int:
    """.text, .rodata, .data, the source's own, .bss; equal ones stay in the source's order."""
    return {".text": 0, ".rodata": 1, ".data": 2, ".bss": 4}.get(section.name, 3)
