"""Straight-line Python as LLVM IR: what the functions of `semantics` may be made of.

A function assigns to its parameters and returns an expression of them, of int64 numbers and of
the primitives of `bits`. What else it may hold is in the tables below and in `Writer.value`; all
else is refused by name when the table of instructions is built (`check`).
"""

from __future__ import annotations

import ast
from typing import NamedTuple, NoReturn

BINARY: dict[type, str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitAnd: "and", ast.BitOr: "or",
    ast.BitXor: "xor", ast.LShift: "shl", ast.RShift: "ashr",
}  # fmt: skip
COMPARE: dict[type, str] = {
    ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "slt", ast.LtE: "sle", ast.Gt: "sgt", ast.GtE: "sge",
}  # fmt: skip
SHIFT = {"sll": "shl", "srl": "lshr"}
DIVISION = {"div": "sdiv", "rem": "srem", "divu": "udiv", "remu": "urem"}
MULTIPLY_HIGH = {"mulh": "ss", "mulhu": "zz", "mulhsu": "sz"}  # how each factor is extended


class Value(NamedTuple):
    """An LLVM value: its name or number; i64, or i1 for what is a bool in Python."""

    text: str
    type: str = "i64"

    def __str__(self) -> str:
        return self.text


class Writer:
    """Appends instructions to `lines`; `names` holds the values of local names."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Value] = {}
        self.count = 0

    def new(self, text: str, type: str = "i64") -> Value:
        """Append an instruction; return its value."""
        self.count += 1
        self.lines.append(f"  %v{self.count} = {text}")
        return Value(f"%v{self.count}", type)

    def name(self, node: ast.Name) -> Value:
        """Return the value of a name."""
        return self.names[node.id] if node.id in self.names else refuse(node, "no such name")

    def word(self, node: ast.expr) -> Value:
        """Return an expression's value as i64: a bool is 0 or 1."""
        value = self.value(node)
        return value if value.type == "i64" else self.new(f"zext i1 {value} to i64")

    def truth(self, node: ast.expr) -> Value:
        """Return an expression's value as i1: a number is true unless it is 0."""
        value = self.value(node)
        return value if value.type == "i1" else self.new(f"icmp ne i64 {value}, 0", "i1")

    def value(self, node: ast.expr) -> Value:
        """Return the value of an expression."""
        match node:
            case ast.Name():
                return self.name(node)
            case ast.Constant(value=int(number)) if -(1 << 63) <= number < 1 << 63:
                return Value(str(int(number)))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return self.new(f"{BINARY[type(op)]} i64 {self.word(left)}, {self.word(right)}")
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARE:
                a, b = self.word(left), self.word(right)
                return self.new(f"icmp {COMPARE[type(op)]} i64 {a}, {b}", "i1")
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.new(f"xor i1 {self.truth(operand)}, true", "i1")
            case ast.UnaryOp(op=ast.Invert(), operand=operand):
                return self.new(f"xor i64 {self.word(operand)}, -1")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.new(f"sub i64 0, {self.word(operand)}")
            case ast.IfExp(test=test, body=body, orelse=orelse):  # both sides are free of effects
                chosen = self.truth(test), self.word(body), self.word(orelse)
                return self.new("select i1 {}, i64 {}, i64 {}".format(*chosen))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self.primitive(node, name, [self.word(each) for each in arguments])
        refuse(node)

    def primitive(self, node: ast.expr, name: str, arguments: list[Value]) -> Value:
        """Return the value of a primitive of `bits`."""
        match name, arguments:
            case "i64" | "u64", [a]:
                return a
            case "i8" | "i16" | "i32", [a]:
                return self.new(f"sext {name} {self.new(f'trunc i64 {a} to {name}')} to i64")
            case "ltu", [a, b]:
                return self.new(f"icmp ult i64 {a}, {b}", "i1")
            case _, [a, b] if name in SHIFT:
                return self.new(f"{SHIFT[name]} i64 {a}, {b}")
            case _, [a, b] if name in MULTIPLY_HIGH:
                kinds = zip(MULTIPLY_HIGH[name], (a, b), strict=True)
                wide = [self.new(f"{kind}ext i64 {each} to i128") for kind, each in kinds]
                product = self.new("mul i128 {}, {}".format(*wide))
                return self.new(f"trunc i128 {self.new(f'lshr i128 {product}, 64')} to i64")
            case _, [a, b] if name in DIVISION:
                return self.divide(name, a, b)
        refuse(node, "no such primitive of bits")

    def divide(self, name: str, a: Value, b: Value) -> Value:
        """Return a quotient or remainder; the host's division must not see 0 or overflow."""
        zero = odd = self.new(f"icmp eq i64 {b}, 0", "i1")
        minus = self.new(f"icmp eq i64 {b}, -1", "i1")
        if name in ("div", "rem"):  # by 1 then, which leaves the remainder 0
            odd = self.new(f"or i1 {zero}, {minus}", "i1")
        safe = self.new(f"select i1 {odd}, i64 1, i64 {b}")
        result = self.new(f"{DIVISION[name]} i64 {a}, {safe}")
        if name == "div":
            result = self.new(f"select i1 {minus}, i64 {self.new(f'sub i64 0, {a}')}, i64 {result}")
        return self.new(f"select i1 {zero}, i64 {a if 'rem' in name else -1}, i64 {result}")


def refuse(node: ast.AST, why: str = "not among what regions can translate") -> NoReturn:
    """Raise ValueError for a construct."""
    raise ValueError(f"`{ast.unparse(node)}`: {why}")


def check(function: ast.FunctionDef) -> None:
    """Raise ValueError that names the first construct of which no region could be made."""
    writer = Writer()
    writer.names = {argument.arg: Value("0") for argument in function.args.args}
    *assignments, last = function.body
    for node in assignments:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in writer.names:
                writer.word(value)
            case _:
                refuse(node, "only parameters may be assigned to")
    if not isinstance(last, ast.Return) or last.value is None:
        refuse(last, "a function ends in return and a value")
    writer.word(last.value)
