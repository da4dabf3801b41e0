"""Loops in which a hart is found again and again: compiled by LLVM as one function each.

    registers    in LLVM's values all through the loop, so mostly in the host's registers; they are
                 loaded from the state vector at the start, and also stored there when they change:
                 to store them when the loop is left, by whichever way, costs LLVM much more time
    out          to the run loop: the budget is too small, or an access needs the slow path
    far          on to code that is not part of the loop, through `next`

What comes in at the loop's head does so through a jump over the first bytes of that block's
stencils. The object code is kept in the cache folder, named by a hash of the IR that it was made
of, which holds all that it depends on: instructions, their places in the page, the layout.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from minihv.hw import engine
from minihv.hw.objectfile import read_object
from minihv.hw.region_ir import PARAMETERS, WEIGHTS, Block, Code, template
from minihv.hw.shapes import Kind
from minihv.hw.state import *
from minihv.hw.stencils import compiler

LARGEST = 600  # instructions of a loop
LONG = 60  # instructions of a block that is compiled though it is no loop
MOST_KEPT = 10_000  # loops in the cache, of some 2 to 20 KB each


def loop_at(blocks: list[Block], head: int) -> list[Block]:
    """Return the blocks from which and to which slot `head` leads, by direct jumps.

    If there are none, or too many, a long block at `head` alone; [] if nothing is worth it.
    """
    by_slot = {block[0].slot: block for block in blocks}
    ways = {slot: [to for to in _ways(block[-1]) if to in by_slot]
            for slot, block in by_slot.items()}  # fmt: skip
    back: dict[int, list[int]] = {slot: [] for slot in by_slot}
    for slot, goals in ways.items():
        for goal in goals:
            back[goal].append(slot)
    both = _reached(head, ways) & _reached(head, back)
    loop = [by_slot[slot] for slot in sorted(both)]
    if not 0 < sum(map(len, loop)) <= LARGEST:
        loop = [by_slot[head]] if LONG <= len(by_slot[head]) <= LARGEST else []
    return [] if any(block[-1].straddles for block in loop) else loop


def _ways(last: Code) -> list[int]:
    kind = last.meaning.kind if last.meaning else None
    if kind is Kind.BRANCH:
        return [last.goal, last.next]
    if kind is Kind.INDIRECT:
        return []
    return [last.goal if kind in (Kind.JUMP, Kind.CALL) else last.next]


def _reached(start: int, ways: dict[int, list[int]]) -> set[int]:
    """Return the slots to which `start` leads."""
    found: set[int] = set()
    todo = list(ways[start])
    while todo:
        slot = todo.pop()
        if slot not in found:
            found.add(slot)
            todo += ways[slot]
    return found


class Emitter:
    """Writes a loop as LLVM IR. Registers are variables, of which `sroa` makes values."""

    def __init__(self, blocks: list[Block], head: int):
        self.blocks = {block[0].slot: block for block in blocks}
        self.head = head
        self.count = 0
        self.lines: list[str] = []
        self.used: set[int] = set()

    def module(self) -> str:
        """Return the loop as the text of an LLVM module."""
        for slot, block in self.blocks.items():
            self._block(slot, block)
        variables = ["left", "place", "undone", *(f"x{k}" for k in sorted(self.used))]
        given = PARAMETERS.format("%left", "%pc", "%va", "%data", "%last")
        start = [f"  %{name}.v = alloca i64" for name in variables]
        start.append("  store i64 %left, ptr %left.v")
        for k in sorted(self.used):
            start += [f"  %x{k}.p = getelementptr i64, ptr %s, i64 {k}",
                      f"  %x{k}.0 = load i64, ptr %x{k}.p",
                      f"  store i64 %x{k}.0, ptr %x{k}.v"]  # fmt: skip
        start.append(f"  br label %b{self.head}")
        beyond = PARAMETERS.format("%fleft", "%fpc", "poison", "poison", "poison")
        return "\n".join([
            f"define preserve_nonecc i64 @loop({given}) nounwind noimplicitfloat {{",
            *start, *self.lines, "out:", *self._where("o"),
            "  %oundone = load i64, ptr %undone.v", "  %back = add i64 %oleft, %oundone",
            f"  %pcp = getelementptr i64, ptr %s, i64 {PC}", "  store i64 %opc, ptr %pcp",
            "  ret i64 %back",
            "far:", *self._where("f"),
            f"  %nextp = getelementptr i64, ptr %sh, i64 {SHARED_NEXT}",
            "  %next = load ptr, ptr %nextp",
            f"  %there = musttail call preserve_nonecc i64 %next({beyond})", "  ret i64 %there",
            "}", *WEIGHTS, "",
        ])  # fmt: skip

    def _where(self, name: str) -> list[str]:
        return [f"  %{name}left = load i64, ptr %left.v",
                f"  %{name}place = load i64, ptr %place.v",
                f"  %{name}pc = add i64 %pc, %{name}place"]  # fmt: skip

    def _read(self, register: int) -> str:
        if register == 0:
            return "0"
        self.used.add(register)
        self.count += 1
        self.lines.append(f"  %r{self.count} = load i64, ptr %x{register}.v")
        return f"%r{self.count}"

    def _away(self, place: int | str, undone: int, to: str) -> None:
        self.lines += [f"  store i64 {place}, ptr %place.v", f"  store i64 {undone}, ptr %undone.v",
                       f"  br label %{to}"]  # fmt: skip

    def _block(self, slot: int, block: Block) -> None:
        size, goes = len(block), ""
        self.lines += [
            f"b{slot}:", f"  %before.{slot} = load i64, ptr %left.v",
            f"  %left.{slot} = sub i64 %before.{slot}, {size}",
            f"  store i64 %left.{slot}, ptr %left.v",
            f"  %enough.{slot} = icmp sge i64 %left.{slot}, 0",
            f"  br i1 %enough.{slot}, label %i{slot}, label %few{slot}, !prof !0", f"few{slot}:",
        ]  # fmt: skip
        self._away(2 * slot, size, "out")
        self.lines.append(f"i{slot}:")
        for done, code in enumerate(block):
            goes = self._instruction(code, size - done)
        last = block[-1]
        kind = last.meaning.kind if last.meaning else None
        if kind is Kind.BRANCH:
            one, other = (self._label(slot, to) for to in (last.goal, last.next))
            self.lines.append(f"  br i1 {goes}, label %{one}, label %{other}")
        elif kind is Kind.INDIRECT:
            self.lines.append(f"  %goal.{slot} = sub i64 {goes}, %pc")
            self._away(f"%goal.{slot}", 0, "far")
        else:
            self.lines.append(f"  br label %{self._label(slot, _ways(last)[0])}")
        for to in _ways(last):
            if to not in self.blocks:
                self.lines.append(f"{self._label(slot, to)}:")
                self._away(2 * to, 0, "far")

    def _label(self, slot: int, to: int) -> str:
        return f"b{to}" if to in self.blocks else f"f{slot}.{to}".replace("-", "m")

    def _instruction(self, code: Code, undone: int) -> str:
        form, word, meaning = template(code.word & 255), code.word, code.meaning
        assert meaning is not None
        self.count += 1
        k = self.count
        fields: dict[str, object] = {"k": k, "imm": word >> 32}
        fields |= {"here": 2 * code.slot, "after": 2 * code.next}
        for name, shift in (("rs1", 14), ("rs2", 19)):
            if name in form.reads:
                fields[name] = self._read(word >> shift & 31)
        self.lines.append(form.text.format_map(fields).replace("%page", "%pc"))
        if form.result and (rd := word >> 8 & 63) != SINK:
            self.used.add(rd)
            value = form.result.format_map(fields)
            self.lines += [f"  store i64 {value}, ptr %x{rd}.v",
                           f"  store i64 {value}, ptr %x{rd}.p"]  # fmt: skip
        if form.va:
            self.lines += [f"  br label %n{k}", f"w{k}:"]
            if form.data:
                self._beside(k, meaning.access & 3, form.va.format_map(fields),
                             form.data.format_map(fields))  # fmt: skip
            self._away(2 * code.slot, undone, "out")
            self.lines.append(f"n{k}:")
        return form.goes.format_map(fields)

    def _beside(self, k: int, size: int, va: str, data: str) -> None:
        given = PARAMETERS.format("%left", "%pc", va, data, "poison")
        self.lines += [
            f"  %at.{k} = getelementptr i64, ptr %sh, i64 {SHARED_BESIDE + size}",
            f"  %beside.{k} = load ptr, ptr %at.{k}",
            f"  %done.{k} = call preserve_nonecc i64 %beside.{k}({given})",
            f"  %is.{k} = icmp ne i64 %done.{k}, 0",
            f"  br i1 %is.{k}, label %n{k}, label %not.{k}", f"not.{k}:",
        ]  # fmt: skip


# --- compiled -----------------------------------------------------------------------------------


def compile_loop(text: str) -> bytes:
    """Return the machine code of a loop, which may be put anywhere."""
    _, _, cpu, features = engine.host()
    binding, target = compiler(cpu=cpu, features=features)
    module = binding.parse_assembly(text)
    module.verify()
    builder = binding.create_pass_builder(target, binding.create_pipeline_tuning_options(2))
    passes = binding.create_new_function_pass_manager()
    passes.add_sroa_pass()
    for function in module.functions:
        passes.run(function, builder)
    made = read_object(target.emit_object(module))
    assert not made.relocations
    return made.code


@cache
def folder() -> Path | None:
    """Return where loops for this kind of processor are kept; None without one of our own."""
    digest = hashlib.sha256(repr(engine.host()).encode()).hexdigest()[:12]
    path = engine.cache_folder() / "regions" / digest
    try:
        path.parent.mkdir(exist_ok=True, mode=0o700)
        path.mkdir(exist_ok=True, mode=0o700)
        kept = sorted((file.stat().st_mtime, file) for file in path.iterdir())
    except OSError:
        return None
    for _, file in kept[: len(kept) - MOST_KEPT]:
        file.unlink(missing_ok=True)
    return path


def kept_loop(text: str) -> bytes | None:
    """Return the machine code for this IR from the cache; None if it holds none."""
    path = folder()
    return engine.kept(path / _name(text)) if path else None


def keep_loop(text: str, code: bytes) -> None:
    """Put machine code into the cache, if that can be written."""
    path = folder()
    try:
        if path is not None:
            engine.keep(path / _name(text), code)
    except OSError:
        pass  # it is made again next time


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
