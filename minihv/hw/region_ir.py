"""Writes a hot region as LLVM IR, from the statements of `shapes` (see `regions`).

What an operation does is written once, as a template; a region is made of its instructions'
templates with their operands filled in, and three common ways out:

    entry:     pc says which block       -> dispatch
    dispatch:  a switch over the blocks; what is no block's first slot -> chain
    b<slot>:   a block. Its budget does not suffice                    -> out
               a load or store that the TLB does not know              -> out
               on to a block of this region                            -> b<slot>
               on to any other place; a computed jump out of the page  -> chain
    out:       pc and what is left of the budget go back to the loop
    chain:     the same, but by way of `next`, which enters the region there, if there is one

`next` and `beside` are helpers that all regions share; they are found through `shared`.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from minihv.hw.decode import SHORT
from minihv.hw.ir import Value, Writer, refuse
from minihv.hw.memory import PAGE
from minihv.hw.ops import MEANING_OF, OPS, REGION
from minihv.hw.shapes import WORDS, Kind, Meaning, text
from minihv.hw.state import *

LARGEST = 1000  # instructions of a region
PARAMETERS = "ptr %s, ptr %t, ptr %r, ptr %sh, i64 {}, i64 {}"
HEAD = "define i64 @{}(ptr noalias %s, ptr noalias %t, ptr noalias %r, ptr noalias %sh, "
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
    reads: tuple[str, ...]  # of rs1 and rs2
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
    reads = tuple(name for name in ("rs1", "rs2") if f"{{{name}}}" in needed)
    return Template(body, reads, sketch.result, sketch.goes, sketch.va, sketch.data)


class Emitter:
    """Writes a region.

    Registers live in the state vector. Inside a block a register is read at most once: `known`
    holds values. `dirty` are those that memory does not have yet; they are stored before each
    instruction that can leave, and at the end of the block.
    """

    def __init__(self, blocks: list[Block]):
        self.blocks = {block[0].slot: block for block in blocks}
        self.count = 0
        self.lines: list[str] = []
        self.stubs: list[str] = []
        self.known: dict[int, str] = {}
        self.dirty: dict[int, None] = {}
        self.label = ""  # of the LLVM block at hand
        self.ways = {slot: ["[ %dleft, %dispatch ]"] for slot in self.blocks}  # into each block
        self.outs: list[tuple[int, int, str, str]] = []  # place, instructions done, left, label
        self.chains: list[tuple[int, str, str]] = []  # place, left, label
        self.leaps: list[tuple[str, str, str]] = []  # target, left, label

    def pointer(self, register: int) -> str:
        """Return the pointer to a register's slot."""
        self.count += 1
        self.lines.append(f"  %p{self.count} = getelementptr i64, ptr %s, i64 {register}\n")
        return f"%p{self.count}"

    def read(self, register: int) -> str:
        """Return the value of a guest register."""
        if register == 0:
            return "0"
        if register not in self.known:
            pointer = self.pointer(register)
            self.known[register] = f"%x{self.count}"
            self.lines.append(f"  %x{self.count} = load i64, ptr {pointer}\n")
        return self.known[register]

    def flush(self) -> None:
        """Store all dirty registers."""
        for register in self.dirty:
            pointer = self.pointer(register)
            self.lines.append(f"  store i64 {self.known[register]}, ptr {pointer}\n")
        self.dirty.clear()

    def to(self, slot: int, left: str) -> str:
        """Return the label to go to for `slot`, with so much of the budget left."""
        if slot in self.blocks:
            self.ways[slot].append(f"[ {left}, %{self.label} ]")
            return f"b{slot}"
        self.count += 1  # a block of its own: both ways of a branch may end here
        self.stubs.append(f"c{self.count}:\n  br label %near\n")
        self.chains.append((2 * slot, left, f"c{self.count}"))
        return f"c{self.count}"

    def instruction(self, code: Code, done: int, left: str) -> str:
        """Write an instruction; return where it may go (`Template.goes`)."""
        form, word = template(code.word & 255), code.word
        self.count += 1
        fields = {"k": self.count, "imm": word >> 32, "here": 2 * code.slot, "after": 2 * code.next}
        if "rs1" in form.reads:
            fields["rs1"] = self.read(word >> 14 & 31)
        if "rs2" in form.reads:
            fields["rs2"] = self.read(word >> 19 & 31)
        if form.label:
            self.flush()
            away = f"w{fields['k']}" if form.label.startswith("n") else self.label
            self.outs.append((2 * code.slot, done, left, away))
            self.label = form.label.format_map(fields)
        self.lines.append(form.text.format_map(fields))
        if form.result and (rd := word >> 8 & 63) != SINK:
            self.known[rd] = form.result.format_map(fields)
            self.dirty[rd] = None
        return form.goes.format_map(fields)

    def block(self, slot: int) -> str:
        """Return the IR of one block, but for the phi at its start, which needs all ways in."""
        block = self.blocks[slot]
        left = f"%left{slot}"
        self.lines, self.known, self.label, goes = [], {}, f"i{slot}", ""
        self.outs.append((2 * slot, 0, left, f"b{slot}"))
        for done, code in enumerate(block):
            goes = self.instruction(code, done, left)
        self.flush()
        last, kind = block[-1], block[-1].meaning.kind  # type: ignore[union-attr]
        rest = f"%rest{slot}"
        if kind is Kind.BRANCH:
            one, other = self.to(last.goal, rest), self.to(last.next, rest)
            end = f"br i1 {goes}, label %{one}, label %{other}"
        elif kind is Kind.INDIRECT:
            self.leaps.append((goes, rest, self.label))
            end = "br label %leap"
        else:
            jumps = kind in (Kind.JUMP, Kind.CALL)
            end = f"br label %{self.to(last.goal if jumps else last.next, rest)}"
        return (f"  %few{slot} = icmp slt i64 {left}, {len(block)}\n"
                f"  br i1 %few{slot}, label %out, label %i{slot}, !prof !1\ni{slot}:\n"
                + "".join(self.lines) + f"  {rest} = sub i64 {left}, {len(block)}\n  {end}\n")  # fmt: skip

    def module(self, name: str) -> str:
        """Return the whole region as the text of an LLVM module."""
        bodies = {slot: self.block(slot) for slot in self.blocks}
        again = self.leaps[:1]
        parts = [HEAD.format(name) + f"""i64 %left, i64 %pc) nounwind {{
entry:
  %page = and i64 %pc, {-PAGE}
  %dctxp = getelementptr i64, ptr %s, i64 {DATA_CONTEXT}
  %dctx = load i64, ptr %dctxp
  br label %dispatch
dispatch:
{_phi("goal", [("%pc", "entry"), *(("%leapt", "leap") for _ in again)])}
{_phi("dleft", [("%left", "entry"), *(("%lleft", "leap") for _ in again)])}
  %offset = sub i64 %goal, %page
  switch i64 %offset, label %away [ {" ".join(f"i64 {2 * s}, label %b{s}" for s in bodies)} ]
away:
  br label %chain
"""]  # fmt: skip
        for slot, body in bodies.items():
            parts.append(f"b{slot}:\n  %left{slot} = phi i64 {', '.join(self.ways[slot])}\n{body}")
        parts += self.stubs
        into = [("%goal", "%dleft", "away")]
        if self.leaps:
            targets, lefts, labels = zip(*self.leaps, strict=True)
            parts.append(f"leap:\n{_phi('leapt', zip(targets, labels, strict=True))}\n"
                         f"{_phi('lleft', zip(lefts, labels, strict=True))}\n"
                         "  br label %dispatch\n")  # fmt: skip
        if self.chains:
            places, lefts, labels = zip(*self.chains, strict=True)
            parts.append(f"near:\n{_phi('nplace', zip(places, labels, strict=True))}\n"
                         f"{_phi('nleft', zip(lefts, labels, strict=True))}\n"
                         "  %npc = add i64 %page, %nplace\n  br label %chain\n")  # fmt: skip
            into.append(("%npc", "%nleft", "near"))
        places, dones, lefts, labels = zip(*self.outs, strict=True)
        parts.append(f"""chain:
{_phi("cpc", ((pc, label) for pc, _, label in into))}
{_phi("cleft", ((left, label) for _, left, label in into))}
  %nextp = getelementptr i64, ptr %sh, i64 {SHARED_NEXT}
  %next = load ptr, ptr %nextp
  %there = musttail call i64 %next({PARAMETERS.format("%cleft", "%cpc")})
  ret i64 %there
out:
{_phi("oplace", zip(places, labels, strict=True))}
{_phi("odone", zip(dones, labels, strict=True))}
{_phi("oleft", zip(lefts, labels, strict=True))}
  %opc = add i64 %page, %oplace
  %pcp = getelementptr i64, ptr %s, i64 {PC}
  store i64 %opc, ptr %pcp
  %back = sub i64 %oleft, %odone
  ret i64 %back
}}
!0 = !{{!"branch_weights", i32 1000, i32 1}}
!1 = !{{!"branch_weights", i32 1, i32 1000}}
""")
        return "".join(parts)


def _phi(name: str, ways) -> str:  # noqa: ANN001
    return f"  %{name} = phi i64 " + ", ".join(f"[ {value}, %{label} ]" for value, label in ways)


class _Helper(Writer):
    """Writes what regions call."""

    def at(self, base: str, index: int | Value, type: str = "i64") -> Value:
        """Return the value at an index of an array."""
        pointer = self.new(f"getelementptr {type}, ptr {base}, i64 {index}", "ptr")
        return self.new(f"load {type}, ptr {pointer}", type)

    def slot(self, pc: Value, entry: Value) -> tuple[Value, Value]:
        """Return the offset in RAM of `pc`, and the index in `code` of its slot."""
        add = self.new(f"getelementptr i64, ptr {entry}, i64 1", "ptr")
        offset = self.new(f"add i64 {pc}, {self.new(f'load i64, ptr {add}')}")
        frame = self.new(f"lshr i64 {offset}, 12")
        page = self.at(str(self.at("%sh", SHARED_CODE_OF, "ptr")), frame, "i32")
        base = self.new(f"mul i64 {self.new(f'zext i32 {page} to i64')}, {CODE_STRIDE}")
        half = self.new(f"lshr i64 {self.new(f'and i64 {offset}, {PAGE - 1}')}, 1")
        return offset, self.new(f"add i64 {base}, {half}")

    def branch(self, condition: Value, label: str) -> None:
        """Go on at a new label if the condition holds, else return from the helper."""
        self.lines += [f"  br i1 {condition}, label %{label}, label %back", f"{label}:"]


def next_module() -> str:
    """Return the IR of `next`: on to the region at `pc`, if the way to it is open and known."""
    at, pc = _Helper(), Value("%pc")
    pointer = at.new(f"getelementptr i64, ptr %s, i64 {PC}", "ptr")
    at.lines.append(f"  store i64 %pc, ptr {pointer}")
    at.branch(at.new("icmp sgt i64 %left, 0", "i1"), "look")
    context = at.at("%s", FETCH_CONTEXT)
    entry, known = look_up(at, pc, TLB_FETCH, 1, str(context))
    at.branch(known, "found")
    _, index = at.slot(pc, entry)
    word = at.at(str(at.at("%sh", SHARED_CODE, "ptr")), index)
    is_region = at.new(f"icmp eq i64 {at.new(f'and i64 {word}, 255')}, {REGION}", "i1")
    at.branch(is_region, "go")
    number = at.new(f"add i64 {at.new(f'lshr i64 {word}, 32')}, {SHARED_REGIONS}")
    region = at.at("%sh", number, "ptr")
    given = PARAMETERS.format("%left", "%pc")
    there = at.new(f"musttail call i64 {region}({given})")
    return "\n".join([HEAD.format("next") + "i64 %left, i64 %pc) nounwind {", *at.lines,
                      f"  ret i64 {there}", "back:", "  ret i64 %left", "}", ""])  # fmt: skip


def beside_module(kind: int) -> str:
    """Return the IR of `beside` for 1 << kind bytes: store to a page with code, unless it hits any.

    It returns 1 if it has; 0 says that the loop must.
    """
    at, va, size = _Helper(), Value("%va"), 1 << kind
    entry, known = look_up(at, va, TLB_BESIDE, size, str(at.at("%s", DATA_CONTEXT)))
    at.branch(known, "found")
    offset, index = at.slot(va, entry)
    code = str(at.at("%sh", SHARED_CODE, "ptr"))
    hit = at.at(code, index)
    for k in range(1, size >> 1):
        other = at.at(code, at.new(f"add i64 {index}, {k}"))
        hit = at.new(f"or i64 {hit}, {other}")
    before = at.at(code, at.new(f"add i64 {index}, -1"))  # it may be long, and reach into the first
    short = at.new(f"icmp ne i64 {at.new(f'and i64 {before}, {SHORT}')}, 0", "i1")
    hit = at.new(f"or i64 {hit}, {at.new(f'select i1 {short}, i64 0, i64 {before}')}")
    at.branch(at.new(f"icmp eq i64 {hit}, 0", "i1"), "free")
    place = at.new(f"getelementptr i8, ptr %r, i64 {offset}", "ptr")
    data = at.new(f"trunc i64 %value to i{8 * size}") if size < 8 else Value("%value")
    at.lines.append(f"  store i{8 * size} {data}, ptr {place}, align 1")
    return "\n".join([HEAD.format("beside") + "i64 %va, i64 %value) nounwind {", *at.lines,
                      "  ret i64 1", "back:", "  ret i64 0", "}", ""])  # fmt: skip
