"""Mutants of an answer: its source with one small change, of the kinds that slip into real code."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from random import Random
from typing import Any

_COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.Lt),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
_OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult, ast.Mod: ast.FloorDiv, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr,
}  # fmt: skip
_DROPPED = (ast.AugAssign, ast.Expr, ast.Break, ast.Continue, ast.Delete)


def mutants(source: str, most: int = 1 << 30) -> Iterator[tuple[str, str]]:
    """Yield (what was changed, the changed source) for every single change, or for `most`, drawn
    by the source alone."""
    tree = ast.parse(source)
    todo = [(number, change) for number, node in enumerate(ast.walk(tree))
            for change in _changes(node)]  # fmt: skip
    for number, change in Random(source).sample(todo, min(most, len(todo))):
        changed = copy.deepcopy(tree)
        node: Any = [*ast.walk(changed)][number]
        before = ast.unparse(node)
        change(node)
        after = ast.unparse(node)
        if before != after:
            line = getattr(node, "lineno", "?")
            yield f"line {line}: {before[:70]} -> {after[:70]}", ast.unparse(changed)


def _changes(node: ast.AST) -> Iterator[Any]:
    """Yield functions that each change a copy of `node` in place."""
    if isinstance(node, ast.Compare):
        for n, op in enumerate(node.ops):
            for kind in _COMPARISONS[type(op)]:
                yield lambda c, n=n, kind=kind: c.ops.__setitem__(n, kind())
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield lambda c: setattr(c, "op", other())
        for n in range(len(node.values)):
            yield lambda c, n=n: c.values.pop(n)
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _OPERATORS:
        yield lambda c: setattr(c, "op", _OPERATORS[type(c.op)]())
        if isinstance(node.op, (ast.BitAnd, ast.BitOr)):  # without the mask
            yield lambda c: _become(c, "right", ast.Constant(-1 if type(c.op) is ast.BitAnd else 0))
    elif isinstance(node, ast.UnaryOp):
        yield lambda c: setattr(c, "op", ast.UAdd() if isinstance(c.op, ast.USub) else c.op)
        if isinstance(node.op, ast.Not):
            yield lambda c: setattr(c, "operand", ast.UnaryOp(ast.Not(), c.operand))
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, (ast.If, ast.IfExp)):
        for value in (True, False):
            yield lambda c, value=value: setattr(c, "test", ast.Constant(value))
    elif isinstance(node, ast.comprehension):
        for n in range(len(node.ifs)):
            yield lambda c, n=n: c.ifs.pop(n)
    for name in ("body", "orelse"):
        for n, part in enumerate(getattr(node, name, ()) if isinstance(node, ast.stmt) else ()):
            text = isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
            if isinstance(part, _DROPPED) and not text:
                yield lambda c, name=name, n=n: getattr(c, name).__setitem__(n, ast.Pass())


def _become(node: Any, name: str, value: Any) -> None:
    setattr(node, name, value)


def _constants(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        yield lambda c: setattr(c, "value", not value)
    elif isinstance(value, int):
        for other in (value + 1, value - 1):
            yield lambda c, other=other: setattr(c, "value", other)
    elif isinstance(value, str) and "\n" in value:  # a program: without each of its lines
        lines = value.split("\n")
        for n, line in enumerate(lines):
            if line.strip():
                text = "\n".join(lines[:n] + lines[n + 1 :])
                yield lambda c, text=text: setattr(c, "value", text)
