"""Generates the run loop's source: the arms of every operation, in place of ARMS in `loop`.

An arm is an instruction's statements (`shapes`) in the run loop's words. This file also inlines
the one-line primitives of `bits`, and writes either an if-elif chain (compiled: it becomes a jump
table) or a tree of comparisons (plain Python: seven steps at most).
"""

from __future__ import annotations

import ast
import inspect

from minihv.hw import loop
from minihv.hw.ops import MEANING_OF, OPS
from minihv.hw.shapes import Kind, Meaning, text

RD, RS1, RS2, IMM = "s[w >> 8 & 63]", "s[w >> 14 & 31]", "s[w >> 19 & 31]", "(w >> 32)"
PC = "bias + (i << 1)"
LEAP = """
if target & -4096 == page:
    i = base + ((target & 4095) >> 1)
else:
    pc = target
    left -= 1
    event = NEXT_PAGE
    break
"""
REACH = """
e = {entry}
if tlb[e] != va & {aligned} | dctx:
    event = TLB_MISS
    break
"""
SPECIAL = {
    "undecoded": "event = NOT_DECODED; break",
    "region": "event = REGION_EVENT; break",
    "illegal": "word = w >> 32 & 0xFFFFFFFF; event = ILLEGAL_EVENT; break",
    "system": "word = w >> 32 & 0xFFFFFFFF; event = SYSTEM_EVENT; break",
    "atomic": "word = w >> 32 & 0xFFFFFFFF; event = ATOMIC_EVENT; break",
}


def arm(number: int) -> list[ast.stmt]:
    """Return the statements that execute an operation; their `break` leaves the inner loop."""
    name, *form = OPS[number].split(".")
    meaning = MEANING_OF[number]
    if meaning is None:
        return ast.parse(SPECIAL[name]).body
    step = 1 if "c" in form else 2
    far = f"pc = i64({PC} + {IMM}); left -= 1; event = NEXT_PAGE; break"
    words = {
        "rd": RD, "rs1": RS1, "rs2": RS2, "imm": IMM, "pc": PC, "link": f"i64({PC} + {2 * step})",
        "next": f"i += {step}", "go": far if "far" in form else f"i += {IMM}", "leap": LEAP,
        **memory_words(meaning),
    }  # fmt: skip
    return ast.parse(text(name, meaning, words)).body


def memory_words(meaning: Meaning) -> dict[str, str]:
    """Return a load's or store's words: a TLB entry leads from va to an offset in RAM."""
    bits, shift, stores = 8 * meaning.size, meaning.access & 3, meaning.kind is Kind.STORE
    entry = "(va >> 12 & TLB_ENTRIES - 1) << 1"
    entry = f"TLB_WRITE + ({entry})" if stores else entry
    cell = f"r{bits}[u64(va + tlb[e + 1] >> {shift})]"
    return {
        "reach": REACH.format(entry=entry, aligned=-4096 | meaning.size - 1),
        "cell": cell if stores or meaning.signed else f"{cell} & {(1 << bits) - 1}",
        "stored": RS2 if bits == 64 else f"i{bits}({RS2})",
    }


def chain(numbers: range) -> list[ast.stmt]:
    """Return if op == 0 ... elif op == 1 ..., of which a compiler makes a jump table."""
    below: list[ast.stmt] = []
    for number in reversed(numbers):
        test = ast.parse(f"op == {number}", mode="eval").body
        below = [ast.If(test, arm(number), below)]
    return below


def tree(numbers: range) -> list[ast.stmt]:
    """Return nested halves, so that plain Python finds an operation in seven comparisons."""
    if len(numbers) == 1:
        return arm(numbers[0])
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


def flat_module(compiled: bool) -> ast.Module:
    """Return the module `loop` with all arms in place, for one of the two engines."""
    module = ast.parse(inspect.getsource(loop))
    arms = chain(range(len(OPS))) if compiled else tree(range(len(OPS)))
    for node in ast.walk(module):
        if isinstance(node, ast.While):
            texts = [ast.unparse(each) for each in node.body]
            if "ARMS" in texts:
                node.body[texts.index("ARMS") : texts.index("ARMS") + 1] = arms
    return ast.fix_missing_locations(module)
