"""Writes a hot region as LLVM IR, from the expressions of `semantics` (see `regions`)."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from minihv.hw.decode import SHORT, STORES, decode
from minihv.hw.flatten import expression
from minihv.hw.memory import PAGE
from minihv.hw.ops import OPS
from minihv.hw.semantics import BRANCH, IMMEDIATE, LOAD, REGISTER, STORE
from minihv.hw.state import *

LARGEST = 200  # instructions of a region
STOPPERS = {"undecoded", "illegal", "system", "atomic", "region"}
JUMPS = {*BRANCH, "jal", "j", "jalr"}


@dataclass
class Block:
    """Straight code: (slot, decoded word) each, ended by `next`, the slot behind it."""

    slot: int
    code: list[tuple[int, int]] = field(default_factory=list)
    next: int = 0


def _name(word: int) -> str:
    return OPS[word & 255].split(".")[0]


def _far(word: int) -> bool:
    return OPS[word & 255].endswith(".far")


def _size(word: int) -> int:
    """Halfwords of a decoded instruction."""
    return 1 if word & SHORT else 2


def discover(page: bytes, start: int) -> list[Block]:
    """The blocks that can be reached from `start` inside the page, given its 4,096 bytes."""
    words: dict[int, int] = {}
    leaders: set[int] = {start}
    todo = deque([start])
    while todo:
        slot = todo.popleft()  # what is nearest first: the far end may not fit
        while 0 <= slot < 2048 and slot not in words and len(words) < LARGEST:
            raw = int.from_bytes(page[2 * slot : 2 * slot + 4], "little")
            if raw & 3 == 3 and slot == 2047:
                break
            word = decode(raw, slot)
            name = _name(word)
            if name in STOPPERS:
                break
            words[slot] = word
            behind = slot + _size(word)
            if name in JUMPS:
                returns = name != "j" and (name != "jalr" or word >> 8 & 63 != SINK)
                found = [behind] if returns else []
                if name != "jalr" and not _far(word):
                    found.append(slot + (word >> 32))
                leaders.update(found)
                todo += found
                break
            slot = behind
    return _blocks(words, leaders)


def _blocks(words: dict[int, int], leaders: set[int]) -> list[Block]:
    blocks = []
    for leader in sorted(leaders & words.keys()):
        block = Block(leader)
        slot = leader
        while slot in words:
            block.code.append((slot, words[slot]))
            name = _name(words[slot])
            slot += _size(words[slot])
            if name in JUMPS or slot in leaders:
                break
        block.next = slot
        blocks.append(block)
    return blocks


class Emitter:
    """Writes a region as LLVM IR.

    Registers live in the state vector. Inside a block a register is read at most once and
    written at most once: `known` holds values, `dirty` those that memory does not have yet; every
    way out of a block stores the dirty ones first.
    """

    def __init__(self, blocks: list[Block]):
        self.blocks = {block.slot: block for block in blocks}
        self.lines: list[str] = []
        self.exits: list[str] = []
        self.edges: dict[int, list[tuple[str, str]]] = {slot: [] for slot in self.blocks}
        self.returns: list[tuple[str, str, str]] = [("entry", "%slot", "%left")]
        self.count = 0
        self.label = "entry"
        self.known: dict[int, str] = {}
        self.dirty: set[int] = set()

    def new(self, text: str) -> str:
        """Append an instruction; the name of its value."""
        self.count += 1
        self.lines.append(f"  %v{self.count} = {text}")
        return f"%v{self.count}"

    def begin(self, label: str) -> None:
        """Start an LLVM block."""
        self.lines.append(f"{label}:")
        self.label = label

    def fresh(self) -> str:
        """A new label."""
        self.count += 1
        return f"l{self.count}"

    # --- registers ----------------------------------------------------------------------------

    def read(self, register: int) -> str:
        """The value of a guest register."""
        if register == 0:
            return "0"
        if register not in self.known:
            pointer = self.new(f"getelementptr i64, ptr %sp, i64 {register}")
            self.known[register] = self.new(f"load i64, ptr {pointer}")
        return self.known[register]

    def write(self, register: int, value: str) -> None:
        """Give a guest register a value; a write of x0 is dropped."""
        if register != SINK:
            self.known[register] = value
            self.dirty.add(register)

    def flushed(self, lines: list[str]) -> None:
        """Append the stores of all dirty registers to `lines`."""
        for register in sorted(self.dirty):
            self.count += 1
            lines.append(f"  %v{self.count} = getelementptr i64, ptr %sp, i64 {register}")
            lines.append(f"  store i64 {self.known[register]}, ptr %v{self.count}")

    # --- ways out -----------------------------------------------------------------------------

    def leave(self, pc: str, left: str) -> str:
        """The label of a stub that stores the state, sets pc, and returns `left`."""
        label = self.fresh()
        self.exits.append(f"{label}:")
        self.flushed(self.exits)
        self.exits.append(f"  store i64 {pc}, ptr %pcp")
        self.exits.append(f"  ret i64 {left}")
        return label

    def address(self, slot: int) -> str:
        """The virtual address of a slot."""
        return self.new(f"add i64 %page, {2 * slot}")

    def stop(self, slot: int, left: str) -> str:
        """A stub that stops before the instruction at `slot`."""
        return self.leave(self.address(slot), left)

    def target(self, slot: int, left: str) -> str:
        """The label to branch to for `slot`: its block, or a stub; dirty registers are stored."""
        if slot in self.blocks:
            self.edges[slot].append((self.label, left))
            return f"b{slot}"
        return self.stop(slot, left)

    # --- expressions --------------------------------------------------------------------------

    def value(self, node: ast.expr, names: dict[str, str], bail: str) -> str:
        """The value of an expression of `semantics`; i1 for comparisons, else i64."""
        match node:
            case ast.Name(id=name):
                return names[name]
            case ast.Constant(value=value):
                return str(value)
            case ast.BinOp(left=left, op=op, right=right):
                a, b = self.value(left, names, bail), self.value(right, names, bail)
                return self.new(f"{_BINARY[type(op)]} i64 {a}, {b}")
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                a, b = self.value(left, names, bail), self.value(right, names, bail)
                return self.new(f"icmp {_COMPARE[type(op)]} i64 {a}, {b}")
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.new(f"xor i1 {self.value(operand, names, bail)}, true")
            case ast.IfExp(test=test):  # 1 if test else 0
                return self.new(f"zext i1 {self.value(test, names, bail)} to i64")
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self.primitive(name, [self.value(x, names, bail) for x in arguments], bail)
        raise AssertionError(f"semantics uses {ast.dump(node)}")

    def primitive(self, name: str, a: list[str], bail: str) -> str:
        """The value of a primitive of `bits`."""
        if name == "i64":
            return a[0]
        if name == "i32":
            return self.new(f"sext i32 {self.new(f'trunc i64 {a[0]} to i32')} to i64")
        if name == "ltu":
            return self.new(f"icmp ult i64 {a[0]}, {a[1]}")
        if name in ("sll", "srl"):
            return self.new(f"{'shl' if name == 'sll' else 'lshr'} i64 {a[0]}, {a[1]}")
        if name.startswith("mulh"):
            kinds = {"mulh": "ss", "mulhu": "zz", "mulhsu": "sz"}[name]
            x, y = (self.new(f"{k}ext i64 {v} to i128") for k, v in zip(kinds, a, strict=True))
            high = self.new(f"lshr i128 {self.new(f'mul i128 {x}, {y}')}, 64")
            return self.new(f"trunc i128 {high} to i64")
        # Division by 0 and by -1 is left to the loop: both are rare, and the host's traps.
        odd = self.new(f"icmp ult i64 {self.new(f'add i64 {a[1]}, 1')}, 2")
        self.branch(odd, bail)
        return self.new(f"{_DIVISION[name]} i64 {a[0]}, {a[1]}")

    def branch(self, condition: str, bail: str) -> None:
        """Go to `bail` if the condition (i1) holds, else go on."""
        label = self.fresh()
        self.lines.append(f"  br i1 {condition}, label %{bail}, label %{label}")
        self.begin(label)

    # --- instructions -------------------------------------------------------------------------

    def memory(self, slot: int, word: int, left: str) -> None:
        """A load or store by way of the TLB."""
        kind, stores = word >> 25 & 7, word & STORES
        bits = 8 << (kind & 3)
        va = self.new(f"add i64 {self.read(word >> 14 & 31)}, {word >> 32}")
        data = self.read(word >> 19 & 31) if stores else ""
        index = self.new(f"and i64 {self.new(f'lshr i64 {va}, 8')}, {(TLB_ENTRIES - 1) << 4}")
        if stores:
            index = self.new(f"add i64 {index}, {8 * TLB_WRITE}")
        entry = self.new(f"getelementptr i8, ptr %tp, i64 {index}")
        tag = self.new(f"load i64, ptr {entry}")
        aligned = self.new(f"and i64 {va}, {-PAGE | (bits // 8 - 1)}")
        wanted = self.new(f"or i64 {aligned}, %dctx")
        self.branch(self.new(f"icmp ne i64 {tag}, {wanted}"), self.stop(slot, left))
        add = self.new(f"load i64, ptr {self.new(f'getelementptr i64, ptr {entry}, i64 1')}")
        place = self.new(f"getelementptr i8, ptr %rp, i64 {self.new(f'add i64 {va}, {add}')}")
        if stores:
            narrow = data if bits == 64 else self.new(f"trunc i64 {data} to i{bits}")
            self.lines.append(f"  store i{bits} {narrow}, ptr {place}, align 1")
            return
        loaded = self.new(f"load i{bits}, ptr {place}, align 1")
        if bits < 64:
            loaded = self.new(f"{'zext' if kind & 4 else 'sext'} i{bits} {loaded} to i64")
        self.write(word >> 8 & 63, loaded)

    def compute(self, slot: int, word: int, left: str) -> None:
        """An instruction that is neither a jump nor a memory access."""
        name, rd, imm = _name(word), word >> 8 & 63, word >> 32
        if name == "fence":
            return
        if name == "lui":
            self.write(rd, str(imm))
        elif name == "auipc":
            self.write(rd, self.new(f"add i64 %page, {2 * slot + imm}"))
        else:
            second = self.read(word >> 19 & 31) if name in REGISTER else str(imm)
            names = {"a": self.read(word >> 14 & 31), "b": second}
            function = REGISTER.get(name) or IMMEDIATE[name]
            bail = self.stop(slot, left) if name[:3] in ("div", "rem") else ""
            self.write(rd, self.value(_parsed(function), names, bail))

    def jump(self, slot: int, word: int, left: str) -> None:
        """The branch or jump that ends a block; all its ways store the dirty registers."""
        name, behind = _name(word), slot + _size(word)
        if name in BRANCH:
            names = {"a": self.read(word >> 14 & 31), "b": self.read(word >> 19 & 31)}
            condition = self.value(_parsed(BRANCH[name]), names, "")
            self.flushed(self.lines)
            self.dirty.clear()
            if _far(word):
                pc = self.new(f"add i64 %page, {2 * slot + (word >> 32)}")
                taken = self.leave(pc, left)
            else:
                taken = self.target(slot + (word >> 32), left)
            straight = self.target(behind, left)
            self.lines.append(f"  br i1 {condition}, label %{taken}, label %{straight}")
            return
        dynamic = ""
        if name == "jalr":
            goal = self.new(f"add i64 {self.read(word >> 14 & 31)}, {word >> 32}")
            dynamic = self.new(f"and i64 {goal}, -2")
        if name != "j":
            self.write(word >> 8 & 63, self.address(behind))
        self.flushed(self.lines)
        self.dirty.clear()
        if name == "jalr":
            self.computed_jump(dynamic, left)
        elif _far(word):
            pc = self.new(f"add i64 %page, {2 * slot + (word >> 32)}")
            self.lines.append(f"  br label %{self.leave(pc, left)}")
        else:
            self.lines.append(f"  br label %{self.target(slot + (word >> 32), left)}")

    def computed_jump(self, pc: str, left: str) -> None:
        """jalr: to a block of this region through the switch, else out."""
        offset = self.new(f"sub i64 {pc}, %page")
        self.branch(self.new(f"icmp uge i64 {offset}, {PAGE}"), self.leave(pc, left))
        goal = self.new(f"lshr i64 {offset}, 1")
        self.returns.append((self.label, goal, left))
        self.lines.append("  br label %dispatch")

    def block(self, block: Block) -> list[str]:
        """The IR of one block, but for the phi at its start, which needs all edges."""
        self.lines, self.known, self.dirty = [], {}, set()
        self.label = f"b{block.slot}"
        start, n = f"%left{block.slot}", len(block.code)
        self.branch(self.new(f"icmp slt i64 {start}, {n}"), self.stop(block.slot, start))
        for k, (slot, word) in enumerate(block.code):
            left = self.new(f"sub i64 {start}, {k}") if _may_stop(word) else start
            name = _name(word)
            if name in LOAD or name in STORE:
                self.memory(slot, word, left)
            elif name in JUMPS:
                self.jump(slot, word, self.new(f"sub i64 {start}, {n}"))
                return self.lines
            else:
                self.compute(slot, word, left)
        end = self.new(f"sub i64 {start}, {n}")
        self.flushed(self.lines)
        self.dirty.clear()
        self.lines.append(f"  br label %{self.target(block.next, end)}")
        return self.lines

    def module(self, name: str) -> str:
        """The whole region as the text of an LLVM module."""
        bodies = {slot: self.block(block) for slot, block in self.blocks.items()}
        cases = " ".join(f"i64 {slot}, label %b{slot}" for slot in self.blocks)
        for slot in self.blocks:
            self.edges[slot].append(("dispatch", "%dleft"))
        goals = ", ".join(f"[ {goal}, %{label} ]" for label, goal, _ in self.returns)
        lefts = ", ".join(f"[ {left}, %{label} ]" for label, _, left in self.returns)
        text = [
            f"define i64 @{name}(i64 %s, i64 %t, i64 %r, "
            "i64 %slot, i64 %left, i64 %page, i64 %dctx) {",
            "entry:",
            "  %sp = inttoptr i64 %s to ptr",
            "  %tp = inttoptr i64 %t to ptr",
            "  %rp = inttoptr i64 %r to ptr",
            f"  %pcp = getelementptr i64, ptr %sp, i64 {PC}",
            "  br label %dispatch",
            "dispatch:",
            f"  %goal = phi i64 {goals}",
            f"  %dleft = phi i64 {lefts}",
            f"  switch i64 %goal, label %unknown [ {cases} ]",
            "unknown:",
            "  %distance = shl i64 %goal, 1",
            "  %where = add i64 %page, %distance",
            "  store i64 %where, ptr %pcp",
            "  ret i64 %dleft",
        ]
        for slot, body in bodies.items():
            edges = ", ".join(f"[ {left}, %{label} ]" for label, left in self.edges[slot])
            text += [f"b{slot}:", f"  %left{slot} = phi i64 {edges}", *body]
        return "\n".join([*text, *self.exits, "}"]) + "\n"


_BINARY: dict[type, str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitAnd: "and", ast.BitOr: "or",
    ast.BitXor: "xor", ast.LShift: "shl", ast.RShift: "ashr",
}  # fmt: skip
_COMPARE: dict[type, str] = {ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "slt", ast.GtE: "sge"}
_DIVISION = {"div": "sdiv", "rem": "srem", "divu": "udiv", "remu": "urem"}


@cache
def _parsed(function: Callable) -> ast.expr:
    return ast.parse(expression(function), mode="eval").body


def _may_stop(word: int) -> bool:
    name = _name(word)
    return name in LOAD or name in STORE or name[:3] in ("div", "rem")
