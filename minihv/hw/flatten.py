"""Generates the run loop's source: the arms of every operation, in place of ARMS in `loop`.

The semantics are written once, as expressions (`semantics`) and the shapes below; this file puts
them together, inlines the one-line primitives of `bits`, and writes either an if-elif chain
(compiled: it becomes a jump table) or a tree of comparisons (plain Python: seven steps at most).
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from types import ModuleType

from minihv.hw import loop
from minihv.hw.ops import OPS
from minihv.hw.semantics import BRANCH, IMMEDIATE, LOAD, REGISTER, STORE

RD, RS1, RS2, IMM = "s[w >> 8 & 63]", "s[w >> 14 & 31]", "s[w >> 19 & 31]", "(w >> 32)"

LEAVE = """
word = w >> 32 & 0xFFFFFFFF
event = {event}
break
"""
ALU = """
a = {rs1}
b = {second}
{rd} = {value}
i += {step}
"""
BRANCH_NEAR = """
a = {rs1}
b = {rs2}
if {value}:
    i += {imm}
else:
    i += {step}
"""
BRANCH_FAR = """
a = {rs1}
b = {rs2}
if {value}:
    pc = i64(bias + (i << 1) + {imm})
    left -= 1
    event = NEXT_PAGE
    break
i += {step}
"""
JUMP_NEAR = """
{link}
i += {imm}
"""
JUMP_FAR = """
{link}
pc = i64(bias + (i << 1) + {imm})
left -= 1
event = NEXT_PAGE
break
"""
JALR = """
target = i64({rs1} + {imm}) & -2
{rd} = i64(bias + (i << 1) + 2 * {step})
if target & -4096 == page:
    i = base + ((target & 4095) >> 1)
else:
    pc = target
    left -= 1
    event = NEXT_PAGE
    break
"""
LOADED = """
va = i64({rs1} + {imm})
e = (va >> 12 & TLB_ENTRIES - 1) << 1
if tlb[e] != va & {aligned} | dctx:
    event = TLB_MISS
    break
{rd} = {value}
i += {step}
"""
STORED = """
va = i64({rs1} + {imm})
e = TLB_WRITE + ((va >> 12 & TLB_ENTRIES - 1) << 1)
if tlb[e] != va & {aligned} | dctx:
    event = TLB_MISS
    break
{ram}[u64(va + tlb[e + 1] >> {kind})] = {value}
i += {step}
"""
SIMPLE = {
    "undecoded": "event = NOT_DECODED\nbreak",
    "region": "word = w >> 32\nevent = REGION_EVENT\nbreak",
    "illegal": LEAVE.format(event="ILLEGAL_EVENT"),
    "system": LEAVE.format(event="SYSTEM_EVENT"),
    "atomic": LEAVE.format(event="ATOMIC_EVENT"),
    "fence": "i += 2",
    "lui": "{rd} = {imm}\ni += {step}",
    "auipc": "{rd} = i64(bias + (i << 1) + {imm})\ni += {step}",
    "jalr": JALR,
}


def expression(function: Callable) -> str:
    """The source of the expression that a one-line function returns."""
    tree = ast.parse(inspect.getsource(function)).body[0]
    assert isinstance(tree, ast.FunctionDef)
    statement = tree.body[-1]
    assert isinstance(statement, ast.Return) and statement.value is not None
    return ast.unparse(statement.value)


def load_value(kind: int) -> str:
    """What the fast path of a load with this funct3 leaves in rd."""
    size = kind & 3
    value = f"r{8 << size}[u64(va + tlb[e + 1] >> {size})]"
    return f"{value} & {(1 << (8 << size)) - 1}" if kind & 4 else value


def arm(op: str) -> str:
    """The statements that execute operation `op` and step to the next instruction."""
    name = op.split(".")[0]
    far = op.endswith(".far")
    fields = {"rd": RD, "rs1": RS1, "rs2": RS2, "imm": IMM, "step": 1 if ".c" in op else 2}
    if name in SIMPLE:
        return SIMPLE[name].format(**fields)
    if name in ("jal", "j"):
        link = f"{RD} = i64(bias + (i << 1) + 4)" if name == "jal" else ""
        return (JUMP_FAR if far else JUMP_NEAR).format(link=link, **fields)
    if name in BRANCH:
        shape = BRANCH_FAR if far else BRANCH_NEAR
        return shape.format(value=expression(BRANCH[name]), **fields)
    if name in LOAD:
        kind = LOAD[name]
        aligned = -4096 | (1 << (kind & 3)) - 1
        return LOADED.format(value=load_value(kind), aligned=aligned, **fields)
    if name in STORE:
        kind = STORE[name]
        value = RS2 if kind == 3 else f"i{8 << kind}({RS2})"
        fields |= {"kind": kind, "aligned": -4096 | (1 << kind) - 1, "ram": f"r{8 << kind}"}
        return STORED.format(value=value, **fields)
    function = REGISTER.get(name) or IMMEDIATE[name]
    second = RS2 if name in REGISTER else IMM
    return ALU.format(second=second, value=expression(function), **fields)


def _block(text: str) -> list[ast.stmt]:
    """Statements that may hold `break`, which stands in a loop once they are in place."""
    return ast.parse(text).body


def chain(numbers: range) -> list[ast.stmt]:
    """if op == 0 ... elif op == 1 ...; a compiler makes a jump table of it."""
    below: list[ast.stmt] = []
    for number in reversed(numbers):
        test = ast.parse(f"op == {number}", mode="eval").body
        below = [ast.If(test, _block(arm(OPS[number])), below)]
    return below


def tree(numbers: range) -> list[ast.stmt]:
    """Nested halves, so that plain Python finds an operation in seven comparisons."""
    if len(numbers) == 1:
        return _block(arm(OPS[numbers[0]]))
    half = len(numbers) // 2
    test = ast.parse(f"op < {numbers[half]}", mode="eval").body
    return [ast.If(test, tree(numbers[:half]), tree(numbers[half:]))]


class Inline(ast.NodeTransformer):
    """Replaces calls of one-expression functions by their expressions."""

    def __init__(self, module: ast.Module):
        self.known: dict[str, tuple[list[str], ast.expr]] = {}
        for node in module.body:
            if isinstance(node, ast.FunctionDef):
                body = [n for n in node.body if not isinstance(n, ast.Expr)]
                if len(body) == 1 and isinstance(body[0], ast.Return) and body[0].value:
                    self.known[node.name] = ([a.arg for a in node.args.args], body[0].value)

    def visit_Call(self, node: ast.Call) -> ast.AST:  # noqa: N802
        """Substitute the arguments; they are free of side effects, so twice is harmless."""
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Name) and node.func.id in self.known):
            return node
        names, value = self.known[node.func.id]
        arguments = dict(zip(names, node.args, strict=True))

        class Substitute(ast.NodeTransformer):
            def visit_Name(self, name: ast.Name) -> ast.AST:  # noqa: N802
                return arguments.get(name.id, name)

        return Substitute().visit(ast.parse(ast.unparse(value), mode="eval").body)


class _Place(ast.NodeTransformer):
    """Puts the arms where `loop.run` says ARMS."""

    def __init__(self, arms: list[ast.stmt]):
        self.arms = arms

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:  # noqa: N802
        if isinstance(node.value, ast.Name) and node.value.id == "ARMS":
            return self.arms
        return node


def flat_module(compiled: bool) -> ast.Module:
    """The module `loop` with all arms in place, for one of the two engines."""
    module = ast.parse(inspect.getsource(loop))
    arms = chain(range(len(OPS))) if compiled else tree(range(len(OPS)))
    return ast.fix_missing_locations(_Place(arms).visit(module))


def names_of(module: ModuleType) -> dict[str, object]:
    """The public names of a module."""
    return {name: value for name, value in vars(module).items() if not name.startswith("_")}
