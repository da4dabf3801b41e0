"""Stencils: the machine code of each operation with holes, to be copied and filled in.

LLVM compiles a function per operation, once for a host; its operands are addresses of symbols that
nobody defines, so each use of one is a relocation: a hole. A region is made by copying operations'
bodies one after the other and filling in register slots, immediates and the distances of jumps,
which costs some microseconds per instruction in place of LLVM's hundreds.

    addi rd, rs1, imm     mov rs1(%r12), %rax       hole: 8 * its register
                          add imm, %rax             hole: the immediate
                          mov %rax, rd(%r12)        hole
                          jmp cont                  cut off: the next instruction's stencil follows

All of them have one signature, of which LLVM's calling convention keeps each argument in a register
of its own; nothing is kept on the stack. What an instruction has computed is stored, and passed
on, too: an operation has other stencils for an operand that is this value, and for one that is 0.

Source: Xu & Kjolstad, Copy-and-Patch Compilation, OOPSLA 2021; CPython's PEP 744.
"""

from __future__ import annotations

import json
import mmap
import platform
from collections.abc import Collection, Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from minihv.hw import engine
from minihv.hw.decode import SHORT
from minihv.hw.ir import Value, Writer
from minihv.hw.memory import PAGE
from minihv.hw.objectfile import read_object
from minihv.hw.ops import MEANING_OF, OPS, REGION
from minihv.hw.region_ir import PARAMETERS, WEIGHTS, look_up, template
from minihv.hw.shapes import Kind
from minihv.hw.state import *

# What a hole may ask for. Of an instruction: 8 * register, immediate; 2 * its slot and that after
# it. Of a block: instructions in it; those that are not done if it is left at this one. Of an
# instruction that begins at the end of a page: its second half.
VALUES = "rs1 rs2 rd imm here after count undone half".split()
# Where else to go on: after the instruction, at a branch's goal, where the fast path ends.
WAYS = "cont goal away".split()
NEXT = "next"  # to the region at a pc
KINDS = {1: "<q", 10: "<I", 11: "<i", 2: "<i", 4: "<i"}  # R_X86_64_64, 32, 32S, PC32, PLT32
RELATIVE = (2, 4)


class Hole(NamedTuple):
    """Where to put the value of a symbol, plus `addend`; minus the hole's address if `relative`."""

    offset: int
    symbol: str
    addend: int
    form: str  # of struct
    relative: bool


class Stencil(NamedTuple):
    """Machine code with holes."""

    code: bytes
    holes: tuple[Hole, ...]


def supported() -> bool:
    """Return whether this host can run stencils: those of x86-64, in memory made by mmap."""
    return platform.machine().lower() in ("x86_64", "amd64") and hasattr(mmap, "PROT_EXEC")


# --- as LLVM sees them --------------------------------------------------------------------------


class _Function(Writer):
    """Writes a stencil's function."""

    def __init__(self, name: str):
        super().__init__()
        given = PARAMETERS.format("%left", "%pc", "%va", "%data", "%last")
        kinds = "nounwind optsize noimplicitfloat"
        self.head = f"define preserve_nonecc i64 @{name}({given}) {kinds} {{"

    def hole(self, symbol: str) -> str:
        """Return the value that is filled in later."""
        return f"ptrtoint (ptr @{symbol} to i64)"

    def register(self, symbol: str) -> Value:
        """Return the pointer to the slot of a register."""
        return self.new(f"getelementptr i8, ptr %s, i64 {self.hole(symbol)}", "ptr")

    def at(self, base: str, index: int | Value, type: str = "i64") -> Value:
        """Return the value at an index of an array."""
        pointer = self.new(f"getelementptr {type}, ptr {base}, i64 {index}", "ptr")
        return self.new(f"load {type}, ptr {pointer}", type)

    def go(self, to: str | Value, left: str = "%left", pc: str = "%pc", va: str = "poison",
           data: str = "poison", last: str = "%last") -> None:
        """End by going on at another function."""
        to = f"@{to}" if isinstance(to, str) else str(to)
        given = PARAMETERS.format(left, pc, va, data, last)
        there = self.new(f"musttail call preserve_nonecc i64 {to}({given})")
        self.lines.append(f"  ret i64 {there}")

    def branch(self, condition: Value, likely: str, other: str) -> None:
        """Go to one of two labels; the first one follows."""
        self.lines += [f"  br i1 {condition}, label %{likely}, label %{other}, !prof !0",
                       f"{likely}:"]  # fmt: skip

    def leave(self, pc: str, left: str) -> None:
        """End by going back to the loop."""
        slot = self.new(f"getelementptr i64, ptr %s, i64 {PC}", "ptr")
        self.lines += [f"  store i64 {pc}, ptr {slot}", f"  ret i64 {left}"]

    def place(self, pc: str, entry: Value) -> tuple[Value, Value]:
        """Return the offset in RAM of `pc` (or va), and the index in `code` of its slot."""
        offset = self.new(f"add i64 {pc}, {self.at(str(entry), 1)}")
        frame = self.new(f"lshr i64 {offset}, 12")
        page = self.at(str(self.at("%sh", SHARED_CODE_OF, "ptr")), frame, "i32")
        base = self.new(f"mul i64 {self.new(f'zext i32 {page} to i64')}, {CODE_STRIDE}")
        half = self.new(f"lshr i64 {self.new(f'and i64 {offset}, {PAGE - 1}')}, 1")
        return offset, self.new(f"add i64 {base}, {half}")

    def text(self) -> str:
        """Return the function."""
        return "\n".join([self.head, *self.lines, "}", ""])


ZERO, LAST = "0", "l"  # an operand that is 0; one that the block has computed last


@cache
def variants(op: int) -> list[tuple[str, ...]]:
    """Return for what operands an operation has stencils of their own: ("rs1l", "imm0"), ().

    Loads and stores have fewer: what their way off the fast path needs must be in its register
    anyway, for instructions before that jump would lie before the last one, and that can't be cut.
    """
    form = template(op)
    kinds = {"rs1": ("", LAST) if form.va else ("", ZERO, LAST), "imm": ("", ZERO),
             "rs2": ("",) if form.va else ("", ZERO, LAST)}  # fmt: skip
    chosen = product(*(kinds[name] for name in form.reads))
    made = [tuple(name + kind for name, kind in zip(form.reads, each, strict=True) if kind)
            for each in chosen]  # fmt: skip
    return [each for each in made if not (form.va and len(each) > 1)]


def variant(op: int, operands: Collection[str]) -> str:
    """Return the name of an operation's stencil for such operands."""
    return ".".join([OPS[op].split(".")[0], *operands])  # the short and the far form are the same


def _operation(op: int, operands: Collection[str]) -> str:
    """Return the function of an operation. %pc is the address of its page."""
    form, meaning = template(op), MEANING_OF[op]
    assert meaning is not None
    at = _Function(variant(op, operands))
    fields = {"k": "0", "here": at.hole("here"), "after": at.hole("after"), "imm": at.hole("imm")}
    for name in form.reads:
        if name + ZERO in operands:
            fields[name] = "0"
        elif name + LAST in operands:
            fields[name] = "%last"
        elif name != "imm":
            fields[name] = str(at.new(f"load i64, ptr {at.register(name)}"))
    body = form.text.format_map(fields).replace("%page", "%pc")
    at.lines.append(body)
    goes, last = form.goes.format_map(fields), "%last"
    if form.result:
        last = form.result.format_map(fields)
        at.lines.append(f"  store i64 {last}, ptr {at.register('rd')}")
    if meaning.kind is Kind.BRANCH:
        at.lines += [f"  br i1 {goes}, label %taken, label %straight, !prof !1", "straight:"]
        at.go("cont")
        at.lines.append("taken:")
    if meaning.kind is Kind.INDIRECT:
        at.go(NEXT, pc=goes)
    else:
        at.go("goal" if meaning.jumps else "cont", last=last)
    if form.va:
        at.lines.append("w0:")
        data = form.data.format_map(fields) or "poison"
        at.go("away", va=form.va.format_map(fields), data=data)
    return at.text()


def _head() -> str:
    """Return what a block begins with: its budget must suffice."""
    at = _Function("head")
    left = at.new(f"sub i64 %left, {at.hole('count')}")
    at.branch(at.new(f"icmp sge i64 {left}, 0", "i1"), "enough", "few")
    at.go("cont", left=str(left))
    at.lines.append("few:")
    at.go("away", left=str(left))
    return at.text()


def _straddle() -> str:
    """Return what comes before an instruction whose second half must be in the next page."""
    at = _Function("straddle")
    following = at.new(f"add i64 %pc, {PAGE}")
    context = at.at("%s", FETCH_CONTEXT)
    entry, known = look_up(at, following, TLB_FETCH, 1, str(context))
    at.branch(known, "found", "other")
    offset = at.new(f"add i64 {following}, {at.at(str(entry), 1)}")
    half = at.new(f"zext i16 {at.at('%r', at.new(f'lshr i64 {offset}, 1'), 'i16')} to i64")
    at.branch(at.new(f"icmp eq i64 {half}, {at.hole('half')}", "i1"), "same", "other")
    at.go("cont")
    at.lines.append("other:")
    at.go("away")
    return at.text()


def _out() -> str:
    """Return what goes back to the loop, before the instruction at hand."""
    at = _Function("out")
    pc = at.new(f"add i64 %pc, {at.hole('here')}")
    at.leave(str(pc), str(at.new(f"add i64 %left, {at.hole('undone')}")))
    return at.text()


def _far() -> str:
    """Return what goes on at a place that is in no region of this page yet, or in another page."""
    at = _Function("far")
    at.go(NEXT, pc=str(at.new(f"add i64 %pc, {at.hole('here')}")))
    return at.text()


def _next() -> str:
    """Return what goes on at %pc: into the region there, if the way to it is open and known.

    If it is, and no region begins there, what is left of the budget goes back inverted.
    """
    at = _Function(NEXT)
    at.branch(at.new("icmp sgt i64 %left, 0", "i1"), "look", "back")
    context = at.at("%s", FETCH_CONTEXT)
    entry, known = look_up(at, Value("%pc"), TLB_FETCH, 1, str(context))
    at.branch(known, "found", "back")
    _, index = at.place("%pc", entry)
    word = at.at(str(at.at("%sh", SHARED_CODE, "ptr")), index)
    is_region = at.new(f"icmp eq i64 {at.new(f'and i64 {word}, 255')}, {REGION}", "i1")
    at.branch(is_region, "region", "nowhere")
    start = at.at("%sh", SHARED_ARENA, "ptr")
    offset = at.new(f"lshr i64 {word}, 32")
    block = at.new(f"getelementptr i8, ptr {start}, i64 {offset}", "ptr")
    at.go(block, pc=str(at.new(f"and i64 %pc, {-PAGE}")))
    at.lines.append("back:")
    at.leave("%pc", "%left")
    at.lines.append("nowhere:")
    at.leave("%pc", str(at.new("xor i64 %left, -1")))
    return at.text()


def _beside(kind: int) -> str:
    """Return what a store does if the TLB's write part does not know it: see `tlb`."""
    at, size = _Function(f"beside{kind}"), 1 << kind
    entry, known = look_up(at, Value("%va"), TLB_BESIDE, size, "%dctx")
    at.branch(known, "found", "back")
    offset, index = at.place("%va", entry)
    code = str(at.at("%sh", SHARED_CODE, "ptr"))
    hit = at.at(code, index)
    for k in range(1, size >> 1):
        other = at.at(code, at.new(f"add i64 {index}, {k}"))
        hit = at.new(f"or i64 {hit}, {other}")
    before = at.at(code, at.new(f"add i64 {index}, -1"))  # it may be long, and reach into the first
    short = at.new(f"icmp ne i64 {at.new(f'and i64 {before}, {SHORT}')}, 0", "i1")
    hit = at.new(f"or i64 {hit}, {at.new(f'select i1 {short}, i64 0, i64 {before}')}")
    at.branch(at.new(f"icmp eq i64 {hit}, 0", "i1"), "free", "back")
    place = at.new(f"getelementptr i8, ptr %r, i64 {offset}", "ptr")
    data = at.new(f"trunc i64 %data to i{8 * size}") if size < 8 else Value("%data")
    at.lines.append(f"  store i{8 * size} {data}, ptr {place}, align 1")
    at.go("cont")
    at.lines.append("back:")
    at.go("away")
    return at.text()


def _answer(name: str, value: int) -> str:
    """Return what says whether `beside` has stored, to a loop that LLVM has compiled."""
    at = _Function(name)
    at.lines.append(f"  ret i64 {value}")
    return at.text()


def _enter() -> str:
    """Return what the loop calls, in C's convention: on at `pc`; the budget that is left."""
    given = PARAMETERS.format("%left", "%pc", "poison", "poison", "poison")
    return ("define i64 @enter(ptr %s, ptr %t, ptr %r, ptr %sh, i64 %left, i64 %pc) {\n"
            f"  %at = getelementptr i64, ptr %s, i64 {DATA_CONTEXT}\n"
            "  %dctx = load i64, ptr %at\n"
            f"  %back = call preserve_nonecc i64 @{NEXT}({given})\n"
            "  ret i64 %back\n}\n")  # fmt: skip


def module() -> str:
    """Return all stencils as the text of an LLVM module."""
    holes = [f"@{name} = external dso_local global i8" for name in VALUES]
    kinds = ", ".join(each.split()[0] for each in PARAMETERS.split(", "))
    ways = [f"declare dso_local preserve_nonecc i64 @{name}({kinds})" for name in WAYS]
    operations = {variant(op, each): _operation(op, each)
                  for op, meaning in enumerate(MEANING_OF) if meaning is not None
                  for each in variants(op)}  # fmt: skip
    others = [_head(), _straddle(), _out(), _far(), _next(), *map(_beside, range(4)),
              _answer("yes", 1), _answer("no", 0), _enter()]  # fmt: skip
    return "\n".join([*holes, *ways, *operations.values(), *others, *WEIGHTS])


# --- compiled -----------------------------------------------------------------------------------


def compiler(**options: Any) -> tuple[Any, Any]:
    """Return llvmlite's binding, and a target whose code has symbols as signed numbers of 32 bits.

    So they can be part of an instruction; and what has no symbols may lie anywhere.
    """
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_triple("x86_64-unknown-linux-gnu")
    options = {"opt": 2, "reloc": "static", "codemodel": "kernel", **options}
    return binding, target.create_target_machine(**options)


def _stencils(text: str) -> Iterator[tuple[str, Stencil]]:
    """Compile a module; yield its functions."""
    binding, target = compiler()
    parsed = binding.parse_assembly(text)
    parsed.verify()
    made = read_object(target.emit_object(parsed))
    for name, (start, end) in made.functions.items():
        holes = [Hole(offset - start, symbol, addend, KINDS[kind], kind in RELATIVE)
                 for offset, kind, symbol, addend in made.relocations if start <= offset < end]
        yield name, Stencil(made.code[start:end], tuple(holes))


def file() -> Path:
    """Return where the stencils are kept that belong to these sources."""
    known = engine.digest(engine.host()[0], engine.state_of(engine.OURS))
    return engine.cache_folder() / f"stencils_{known}.json"


@cache
def stencils() -> dict[str, Stencil]:
    """Return all stencils by name, from the cache if they are there."""
    if (stored := engine.kept(file())) is not None:
        return {name: Stencil(bytes.fromhex(code), tuple(Hole(*hole) for hole in holes))
                for name, (code, holes) in json.loads(stored).items()}  # fmt: skip
    made = dict(_stencils(module()))
    plain = {name: (stencil.code.hex(), stencil.holes) for name, stencil in made.items()}
    engine.keep(file(), json.dumps(plain).encode())
    return made
