"""Writes a hot region as LLVM IR, from the statements of `shapes` (see `regions`)."""

from __future__ import annotations

import ast
from collections import deque
from functools import cache
from typing import NamedTuple

from minihv.hw.decode import SHORT, STORES, decode
from minihv.hw.ir import Value, Writer, refuse
from minihv.hw.memory import PAGE
from minihv.hw.ops import MEANING_OF, OPS
from minihv.hw.shapes import WORDS, Kind, Meaning, text
from minihv.hw.state import PC, SINK, TLB_ENTRIES, TLB_WRITE

LARGEST = 200  # instructions of a region


class Code(NamedTuple):
    """A decoded instruction at halfword `slot` of the page."""

    slot: int
    word: int

    @property
    def meaning(self) -> Meaning | None:
        """What it does; None for what is left to the loop."""
        return MEANING_OF[self.word & 255]

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


def discover(page: bytes, start: int) -> list[Block]:
    """Return the blocks that `start` leads to inside the page, given its 4,096 bytes."""
    found: dict[int, Code] = {}
    leaders: set[int] = {start}
    todo = deque([start])
    while todo:
        slot = todo.popleft()  # what is nearest first: the far end may not fit
        while 0 <= slot < 2048 and slot not in found and len(found) < LARGEST:
            raw = int.from_bytes(page[2 * slot : 2 * slot + 4], "little")
            if raw & 3 == 3 and slot == 2047:
                break
            code = Code(slot, decode(raw, slot))
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


def _block(found: dict[int, Code], leaders: set[int], slot: int) -> Block:
    block = [found[slot]]
    while (slot := block[-1].next) in found and slot not in leaders:
        block.append(found[slot])
    return block


@cache
def _statements(op: int) -> list[ast.stmt]:
    words = {word: word for word in WORDS} | {"next": "pass"}
    name, meaning = OPS[op].split(".")[0], MEANING_OF[op]
    assert meaning is not None
    body = ast.parse(text(name, meaning, words)).body
    return [node for node in body if not isinstance(node, ast.Pass)]


class Emitter(Writer):
    """Writes a region as LLVM IR.

    Registers live in the state vector. Inside a block a register is read at most once and
    written at most once: `known` holds values, `dirty` those that memory does not have yet; every
    way out of a block stores the dirty ones first.
    """

    label: str  # of the LLVM block at hand
    code: Code  # at hand
    done: int  # instructions of the block that were executed before it
    lefts: dict[int, Value]  # what is left of the budget, by `done`

    def __init__(self, blocks: list[Block]):
        super().__init__()
        self.blocks = {block[0].slot: block for block in blocks}
        self.exits: list[str] = []
        self.edges = {slot: ["[ %dleft, %dispatch ]"] for slot in self.blocks}  # for `left`
        self.goals = ["[ %slot, %entry ]"]  # the same for `dispatch`
        self.left_there = ["[ %left, %entry ]"]
        self.known: dict[int, Value] = {}
        self.dirty: set[int] = set()

    def fresh(self) -> str:
        """Return a new label."""
        self.count += 1
        return f"l{self.count}"

    def read(self, register: int) -> Value:
        """Return the value of a guest register."""
        if register == 0:
            return Value("0")
        if register not in self.known:
            pointer = self.new(f"getelementptr i64, ptr %sp, i64 {register}")
            self.known[register] = self.new(f"load i64, ptr {pointer}")
        return self.known[register]

    def write(self, register: int, value: Value) -> None:
        """Give a guest register a value; a write of x0 is dropped."""
        if register != SINK:
            self.known[register] = value
            self.dirty.add(register)

    def flush(self) -> None:
        """Store all dirty registers."""
        for register in sorted(self.dirty):
            pointer = self.new(f"getelementptr i64, ptr %sp, i64 {register}")
            self.lines.append(f"  store i64 {self.known[register]}, ptr {pointer}")

    def left(self) -> Value:
        """Return what is left of the budget after the block's first `done` instructions."""
        if self.done not in self.lefts:
            self.lefts[self.done] = self.new(f"sub i64 {self.lefts[0]}, {self.done}")
        return self.lefts[self.done]

    def leave(self, pc: Value | int) -> str:
        """Return the label of a stub that leaves the region for `pc`, an address or a slot."""
        if isinstance(pc, int):
            pc = self.new(f"add i64 %page, {2 * pc}")
        label, left, lines = self.fresh(), self.left(), self.lines
        self.lines = self.exits
        self.lines.append(f"{label}:")
        self.flush()
        self.lines += [f"  store i64 {pc}, ptr %pcp", f"  ret i64 {left}"]
        self.lines = lines
        return label

    def leave_if(self, condition: Value) -> None:
        """Leave before the instruction at hand if the condition (i1) holds, else go on."""
        self.branch(condition, self.leave(self.code.slot))

    def branch(self, condition: Value, away: str) -> None:
        """Go to the label `away` if the condition (i1) holds, else go on."""
        label = self.fresh()
        self.lines += [f"  br i1 {condition}, label %{away}, label %{label}", f"{label}:"]
        self.label = label

    def end(self) -> Value:
        """End a block: store the dirty registers, and return what is left of the budget."""
        self.flush()
        self.dirty.clear()
        self.done += 1
        return self.left()

    def target(self, slot: int, left: Value) -> str:
        """Return the label to go to for `slot` after `end`: its block, or a stub that leaves."""
        if slot not in self.blocks:
            return self.leave(slot)
        self.edges[slot].append(f"[ {left}, %{self.label} ]")
        return f"b{slot}"

    def name(self, node: ast.Name) -> Value:
        """Return the value of a word of `shapes` or of a local name."""
        word = self.code.word
        match node.id:
            case "rs1":
                return self.read(word >> 14 & 31)
            case "rs2" | "stored":
                return self.read(word >> 19 & 31)
            case "imm":
                return Value(str(word >> 32))
            case "pc" | "link":
                slot = self.code.slot if node.id == "pc" else self.code.next
                return self.new(f"add i64 %page, {2 * slot}")
            case "cell":
                return self.load()
        return super().name(node)

    def statement(self, node: ast.stmt) -> None:
        """Write a statement of `shapes`; one that jumps ends the block."""
        match node:
            case ast.Assign(targets=[ast.Name(id="rd")], value=value):
                self.write(self.code.word >> 8 & 63, self.word(value))
            case ast.Assign(targets=[ast.Name(id="cell")], value=value):
                self.store(self.word(value))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.names[name] = self.value(value)
            case ast.Expr(value=ast.Name(id="reach")):
                self.reach()
            case ast.Expr(value=ast.Name(id="go")):
                self.lines.append(f"  br label %{self.target(self.code.goal, self.end())}")
            case ast.If(test=test, body=[ast.Expr(value=ast.Name(id="go"))]):
                condition, left = self.truth(test), self.end()
                goal, straight = (self.target(k, left) for k in (self.code.goal, self.code.next))
                self.lines.append(f"  br i1 {condition}, label %{goal}, label %{straight}")
            case ast.Expr(value=ast.Name(id="leap")):
                self.leap(self.names["target"], self.end())
            case _:
                refuse(node)

    def reach(self) -> None:
        """Find the place in RAM of the access at `va` by way of the TLB, or leave."""
        va, word = self.names["va"], self.code.word
        index = self.new(f"and i64 {self.new(f'lshr i64 {va}, 8')}, {(TLB_ENTRIES - 1) << 4}")
        if word & STORES:
            index = self.new(f"add i64 {index}, {8 * TLB_WRITE}")
        entry = self.new(f"getelementptr i8, ptr %tp, i64 {index}")
        tag = self.new(f"load i64, ptr {entry}")
        aligned = self.new(f"and i64 {va}, {-PAGE | (1 << (word >> 25 & 3)) - 1}")
        wanted = self.new(f"or i64 {aligned}, %dctx")
        self.leave_if(self.new(f"icmp ne i64 {tag}, {wanted}"))
        add = self.new(f"load i64, ptr {self.new(f'getelementptr i64, ptr {entry}, i64 1')}")
        offset = self.new(f"add i64 {va}, {add}")
        self.names["place"] = self.new(f"getelementptr i8, ptr %rp, i64 {offset}")

    def load(self) -> Value:
        """Return what lies at the place that was reached."""
        bits, kind = 8 << (self.code.word >> 25 & 3), self.code.word >> 25 & 7
        loaded = self.new(f"load i{bits}, ptr {self.names['place']}, align 1")
        extend = "zext" if kind & 4 else "sext"
        return loaded if bits == 64 else self.new(f"{extend} i{bits} {loaded} to i64")

    def store(self, data: Value) -> None:
        """Put data to the place that was reached."""
        bits = 8 << (self.code.word >> 25 & 3)
        narrow = data if bits == 64 else self.new(f"trunc i64 {data} to i{bits}")
        self.lines.append(f"  store i{bits} {narrow}, ptr {self.names['place']}, align 1")

    def leap(self, pc: Value, left: Value) -> None:
        """Go to a computed address: a block of this region through the switch, else out."""
        offset = self.new(f"sub i64 {pc}, %page")
        self.branch(self.new(f"icmp uge i64 {offset}, {PAGE}", "i1"), self.leave(pc))
        goal = self.new(f"lshr i64 {offset}, 1")
        self.goals.append(f"[ {goal}, %{self.label} ]")
        self.left_there.append(f"[ {left}, %{self.label} ]")
        self.lines.append("  br label %dispatch")

    def block(self, slot: int) -> list[str]:
        """Return the IR of one block, but for the phi at its start, which needs all ways in."""
        block = self.blocks[slot]
        self.lines, self.known, self.dirty = [], {}, set()
        self.label, self.lefts = f"b{slot}", {0: Value(f"%left{slot}")}
        self.code, self.done = block[0], 0
        self.leave_if(self.new(f"icmp slt i64 {self.left()}, {len(block)}", "i1"))
        for self.done, self.code in enumerate(block):
            self.names = {}
            for node in _statements(self.code.word & 255):
                self.statement(node)
        if self.done < len(block):
            self.lines.append(f"  br label %{self.target(self.code.next, self.end())}")
        return self.lines

    def module(self, name: str) -> str:
        """Return the whole region as the text of an LLVM module."""
        bodies = {slot: self.block(slot) for slot in self.blocks}
        cases = " ".join(f"i64 {slot}, label %b{slot}" for slot in self.blocks)
        text = [f"""
define i64 @{name}(i64 %s, i64 %t, i64 %r, i64 %slot, i64 %left, i64 %page, i64 %dctx) {{
entry:
  %sp = inttoptr i64 %s to ptr
  %tp = inttoptr i64 %t to ptr
  %rp = inttoptr i64 %r to ptr
  %pcp = getelementptr i64, ptr %sp, i64 {PC}
  br label %dispatch
dispatch:
  %goal = phi i64 {", ".join(self.goals)}
  %dleft = phi i64 {", ".join(self.left_there)}
  switch i64 %goal, label %unknown [ {cases} ]
unknown:
  %distance = shl i64 %goal, 1
  %where = add i64 %page, %distance
  store i64 %where, ptr %pcp
  ret i64 %dleft"""]  # fmt: skip
        for slot, body in bodies.items():
            text += [f"b{slot}:", f"  %left{slot} = phi i64 {', '.join(self.edges[slot])}", *body]
        return "\n".join([*text, *self.exits, "}"]) + "\n"
