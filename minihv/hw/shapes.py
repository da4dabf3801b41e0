"""What instructions of a kind have in common: a few statements, with words for each engine.

The words: ``rd rs1 rs2 imm`` are operands, as in the encoding table; ``pc`` and ``link`` are the
addresses of this instruction and of the next. ``next``, ``go`` and ``leap`` say where the guest
goes on: after this instruction, at pc + imm, at `target`. ``reach`` makes sure that memory can be
accessed at `va` without further ado, else it leaves the instruction to the slow path; ``cell`` is
that memory, of the instruction's size, and ``stored`` what it takes of rs2. `flatten` fills in the
run loop's words and so makes its arms; `region_ir` reads the same statements and writes LLVM IR.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

from minihv.hw import ir
from minihv.hw.isa import BY_NAME

Kind = Enum("Kind", "COMPUTE ADDRESS LOAD STORE BRANCH JUMP CALL INDIRECT FENCE ATOMIC SYSTEM")

WORDS = "rd rs1 rs2 imm pc link next go leap reach cell stored".split()
SHAPES = {  # ATOMIC and SYSTEM have none: functions of `system` carry these out
    Kind.COMPUTE: "{bind}{rd} = {value}\n{next}",
    Kind.ADDRESS: "{rd} = i64({pc} + {imm})\n{next}",
    Kind.LOAD: "va = i64({rs1} + {imm})\n{reach}\n{rd} = {cell}\n{next}",
    Kind.STORE: "va = i64({rs1} + {imm})\n{reach}\n{cell} = {stored}\n{next}",
    Kind.BRANCH: "{bind}if {value}:\n    {go}\nelse:\n    {next}",
    Kind.JUMP: "{go}",
    Kind.CALL: "{rd} = {link}\n{go}",
    Kind.INDIRECT: "target = i64({rs1} + {imm}) & -2\n{rd} = {link}\n{leap}",
    Kind.FENCE: "{next}",
}


@dataclass(frozen=True)
class Meaning:
    """What an instruction does: its kind, and what sets it apart from others of that kind.

    `function` gives what is computed, or whether a branch is taken, from the source operands in
    the order of the assembly syntax. A load or store moves `size` bytes; a load extends their
    sign if `signed`.
    """

    kind: Kind
    function: Callable | None = None
    size: int = 0
    signed: bool = True

    @property
    def jumps(self) -> bool:
        """Return whether the guest may go on elsewhere than at the next instruction."""
        return self.kind in (Kind.BRANCH, Kind.JUMP, Kind.CALL, Kind.INDIRECT)

    @property
    def pc_relative(self) -> bool:
        """Return whether its effect depends on its address; links, which always do, apart."""
        return self.kind in (Kind.ADDRESS, Kind.BRANCH, Kind.JUMP, Kind.CALL)

    @property
    def access(self) -> int:
        """A load's funct3, 8 + a store's funct3, 0 for others: see `decode`."""
        width = max(self.size.bit_length() - 1, 0)
        return width | (0 if self.signed else 4) | (8 if self.kind is Kind.STORE else 0)


def sources(name: str) -> list[str]:
    """Return the operands that instruction `name` computes with: ``["rs1", "imm"]``."""
    syntax = (token for token in BY_NAME[name].syntax if token not in ("rd", "target"))
    return [{"uimm": "imm", "imm20": "imm"}.get(token, token) for token in syntax]


def check(name: str, meaning: Meaning) -> None:
    """Raise ValueError that names the instruction, if an engine could not make sense of it."""
    if meaning.function is None:
        return
    function = source_of(meaning.function)
    try:
        if len(function.args.args) != len(sources(name)):
            raise ValueError(f"has the operands {', '.join(sources(name))}: give it as many")
        ir.check(function)
    except ValueError as error:
        raise ValueError(f"{name}: function {function.name}: {error}") from None


def text(name: str, meaning: Meaning, words: Mapping[str, str]) -> str:
    """Return the statements of instruction `name` in an engine's `words`, one for each of WORDS."""
    fields = dict(words)
    if meaning.function is not None:
        function = source_of(meaning.function)
        *assignments, last = function.body
        assert isinstance(last, ast.Return) and last.value is not None
        pairs = zip(function.args.args, sources(name), strict=True)
        lines = [f"{parameter.arg} = {words[source]}" for parameter, source in pairs]
        lines += map(ast.unparse, assignments)
        fields |= {"bind": "".join(f"{line}\n" for line in lines), "value": ast.unparse(last.value)}
    return SHAPES[meaning.kind].format(**fields)


def source_of(function: Callable) -> ast.FunctionDef:
    """Return the syntax tree of a function at the top level of its module."""
    return _functions(function.__module__)[function.__name__]


@cache
def _functions(module: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
