"""What regions are made of: the blocks of a page's code, and each operation in LLVM IR.

What an operation does is written once, as a template, from the statements of `shapes`. A template
with registers in memory becomes a stencil (`stencils`); those of a loop, with registers in values,
one function (`hot_loops`).
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from minihv.hw.decode import COVERED, SHORT
from minihv.hw.ir import Value, Writer, refuse
from minihv.hw.memory import PAGE
from minihv.hw.ops import MEANING_OF, OPS
from minihv.hw.shapes import WORDS, Kind, Meaning, text
from minihv.hw.state import *

LARGEST = 1000  # instructions of a region
# What all functions of regions get: the hart's state vector, its TLB, RAM, `shared`, what is left
# of the budget, a pc or the address of a page; of an access, its address and what it stores; the
# context of data accesses, which nothing in a region changes; what the block computed last.
PARAMETERS = "ptr %s, ptr %t, ptr %r, ptr %sh, i64 {}, i64 {}, i64 {}, i64 {}, i64 %dctx, i64 {}"
WEIGHTS = ['!0 = !{!"branch_weights", i32 1000, i32 1}',
           '!1 = !{!"branch_weights", i32 1, i32 1000}']  # fmt: skip
INDEX = (TLB_ENTRIES - 1) << 4  # of the byte offset of a TLB entry


class Code(NamedTuple):
    """A decoded instruction at halfword `slot` of the page."""

    slot: int
    word: int

    @property
    def meaning(self) -> Meaning | None:
        """What it does; None for what is left to the loop."""
        return MEANING_OF[self.word & 255]

    @property
    def goes_on(self) -> bool:
        """Whether the next instruction may be executed after it."""
        meaning = self.meaning
        return meaning is None or not meaning.jumps or meaning.kind is Kind.BRANCH

    @property
    def straddles(self) -> bool:
        """Whether its second half lies in another page."""
        return self.slot == 2047 and not self.word & SHORT

    @property
    def next(self) -> int:
        """The slot after it."""
        return self.slot + (1 if self.word & SHORT else 2)

    @property
    def goal(self) -> int:
        """The slot that a branch or direct jump goes to, in this page or another."""
        far = OPS[self.word & 255].endswith(".far")  # a near one counts halfwords, not bytes
        return self.slot + (self.word >> 33 if far else self.word >> 32)


Block = list[Code]  # straight code, known by its first slot


def discover(words: Sequence[int], start: int) -> list[Block]:
    """Return the blocks that slot `start` leads to, given the 2,048 decoded words of a page.

    What was never executed is not decoded, and so in no block; nor is another region's way in.
    """
    found: dict[int, Code] = {}
    leaders: set[int] = {start}
    todo = deque([start])
    while todo:
        slot = todo.popleft()  # what is nearest first: the far end may not fit
        while 0 <= slot < 2048 and slot not in found and len(found) < LARGEST:
            code = Code(slot, words[slot])
            if code.meaning is None:
                break
            found[slot] = code
            slot = code.next
            if code.meaning.jumps:
                returns = code.meaning.kind is Kind.BRANCH or code.word >> 8 & 63 != SINK
                ways = [slot] if returns else []
                ways += [] if code.meaning.kind is Kind.INDIRECT else [code.goal]
                leaders.update(ways)
                todo += ways
                break
    return [_block(found, leaders, slot) for slot in sorted(leaders & found.keys())]


def first_of(words: Sequence[int], slot: int) -> int:
    """Return where the straight code that leads to `slot` begins, as far as it is in no region."""
    while True:
        for before, short in ((slot - 1, SHORT), (slot - 2, 0)):
            word = words[before] if before >= 0 else 0
            if word and not word & COVERED and word & SHORT == short:
                if (code := Code(before, word)).meaning is not None and code.goes_on:
                    slot = before
                    break
        else:
            return slot


def _block(found: dict[int, Code], leaders: set[int], slot: int) -> Block:
    block = [found[slot]]
    while (slot := block[-1].next) in found and slot not in leaders:
        block.append(found[slot])
    return block


class Template(NamedTuple):
    """An operation in IR.

    In the text, {k} numbers the instruction, {rs1}, {rs2} and {imm} are its operands, {here} and
    {after} the places of it and of the next one in their page.
    """

    text: str
    reads: tuple[str, ...]  # of rs1, rs2 and imm
    result: str  # what rd gets; "" if it does not
    goes: str  # the condition (i1) of a branch, or the target of a computed jump; "" for others
    va: str  # of a load or store, else "": the text ends at label m{k}, having gone to w{k} if not
    data: str  # of a store


class Sketch(Writer):
    """Writes a template."""

    def __init__(self, name: str, meaning: Meaning):
        super().__init__()
        self.meaning = meaning
        self.result = self.goes = self.va = self.data = ""
        words = {word: word for word in WORDS} | {"next": "pass"}
        for node in ast.parse(text(name, meaning, words)).body:
            if not isinstance(node, ast.Pass):
                self.statement(node)

    def new(self, text: str, type: str = "i64") -> Value:
        """As Writer; values of different instructions have different names."""
        self.count += 1
        self.lines.append(f"  %v{{k}}.{self.count} = {text}")
        return Value(f"%v{{k}}.{self.count}", type)

    def name(self, node: ast.Name) -> Value:
        """Return the value of a word of `shapes` or of a local name."""
        match node.id:
            case "rs1" | "imm":
                return Value(f"{{{node.id}}}")
            case "rs2" | "stored":
                return Value("{rs2}")
            case "pc" | "link":
                return self.new(f"add i64 %page, {'{here}' if node.id == 'pc' else '{after}'}")
            case "cell":
                return self.load()
        return super().name(node)

    def statement(self, node: ast.stmt) -> None:
        """Write a statement of `shapes`."""
        match node:
            case ast.Assign(targets=[ast.Name(id="rd")], value=value):
                self.result = str(self.word(value))
            case ast.Assign(targets=[ast.Name(id="cell")], value=value):
                self.store(self.word(value))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.names[name] = self.value(value)
            case ast.Expr(value=ast.Name(id="reach")):
                self.reach()
            case ast.Expr(value=ast.Name(id="go")):
                pass
            case ast.If(test=test, body=[ast.Expr(value=ast.Name(id="go"))]):
                self.goes = str(self.truth(test))
            case ast.Expr(value=ast.Name(id="leap")):
                self.goes = str(self.names["target"])
            case _:
                refuse(node)

    def reach(self) -> None:
        """Find the place in RAM of the access at `va` by way of the TLB, or go elsewhere."""
        va, part = self.names["va"], TLB_WRITE if self.meaning.kind is Kind.STORE else 0
        entry, known = look_up(self, va, part, self.meaning.size, "%dctx")
        self.lines += [f"  br i1 {known}, label %m{{k}}, label %w{{k}}, !prof !0", "m{k}:"]
        add = self.new(f"load i64, ptr {self.new(f'getelementptr i64, ptr {entry}, i64 1', 'ptr')}")
        offset = self.new(f"add i64 {va}, {add}")
        self.names["place"] = self.new(f"getelementptr i8, ptr %r, i64 {offset}", "ptr")
        self.va = str(va)

    def load(self) -> Value:
        """Return what lies at the place that was reached."""
        bits = 8 * self.meaning.size
        loaded = self.new(f"load i{bits}, ptr {self.names['place']}, align 1")
        extend = "sext" if self.meaning.signed else "zext"
        return loaded if bits == 64 else self.new(f"{extend} i{bits} {loaded} to i64")

    def store(self, data: Value) -> None:
        """Put data to the place that was reached."""
        bits = 8 * self.meaning.size
        narrow = data if bits == 64 else self.new(f"trunc i64 {data} to i{bits}")
        self.lines.append(f"  store i{bits} {narrow}, ptr {self.names['place']}, align 1")
        self.data = str(data)


def look_up(at: Writer, va: Value, part: int, size: int, context: str) -> tuple[Value, Value]:
    """Look `va` up in a part of the TLB: the entry, and whether it is va's (i1)."""
    index = at.new(f"and i64 {at.new(f'lshr i64 {va}, 8')}, {INDEX}")
    entry = at.new(f"getelementptr i8, ptr %t, i64 {index}", "ptr")
    if part:
        entry = at.new(f"getelementptr i64, ptr {entry}, i64 {part}", "ptr")
    tag = at.new(f"load i64, ptr {entry}")
    wanted = at.new(f"or i64 {at.new(f'and i64 {va}, {-PAGE | size - 1}')}, {context}")
    return entry, at.new(f"icmp eq i64 {tag}, {wanted}", "i1")


@cache
def template(op: int) -> Template:
    """Return the template of an operation that is not left to the loop."""
    meaning = MEANING_OF[op]
    assert meaning is not None
    sketch = Sketch(OPS[op].split(".")[0], meaning)
    body = "".join(f"{line}\n" for line in sketch.lines)
    needed = body + sketch.result + sketch.goes + sketch.data
    reads = tuple(name for name in ("rs1", "rs2", "imm") if f"{{{name}}}" in needed)
    return Template(body, reads, sketch.result, sketch.goes, sketch.va, sketch.data)
