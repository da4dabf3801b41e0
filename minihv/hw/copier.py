"""Copies stencils into regions: fills their holes, and lets their jumps meet.

    hot:    head addi ld beq | head ...      a block after the other, each begins with its budget
    cold:   out  beside+out  far ...         where loads, stores and blocks that can't go on go
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from minihv.hw.region_ir import Block, Code, template
from minihv.hw.shapes import Kind
from minihv.hw.stencils import LAST, NEXT, ZERO, stencils, variant, variants

ARENA = 32 << 20  # bytes; what is never touched costs nothing


class Arena:
    """Memory for code, which can be written and executed."""

    def __init__(self) -> None:
        rights = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
        self._memory = mmap.mmap(-1, ARENA, prot=rights)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._used = 0

    @property
    def end(self) -> int:
        """The address of what is put next."""
        return self.base + self._used

    @property
    def left(self) -> int:
        """Bytes that are free."""
        return ARENA - self._used

    def put(self, code: bytes | bytearray) -> None:
        """Append machine code that was made for the address `end`."""
        self._memory[self._used : self._used + len(code)] = code
        self._used += len(code)

    def lead(self, jump: int, target: int) -> None:
        """Let the jump whose distance is at address `jump` lead to `target`."""
        at = jump - self.base
        self._memory[at : at + 4] = struct.pack("<i", target - jump - 4)

    def divert(self, address: int, target: int) -> None:
        """Put a jump to `target` over the first bytes of the code at `address`."""
        at = address - self.base
        self._memory[at] = 0xE9
        self.lead(address + 1, target)

    def clear(self) -> None:
        """Forget all."""
        self._used = 0


def _stencil(code: Code, last: int) -> str:
    """Return the name of the stencil of an instruction; `last`: what register was written last."""
    op, word = code.word & 255, code.word
    kinds = {"imm": "" if word >> 32 else ZERO}
    for name, register in (("rs1", word >> 14 & 31), ("rs2", word >> 19 & 31)):
        kinds[name] = ZERO if register == 0 else LAST if register == last else ""
    return _best(op, frozenset(name + kind for name, kind in kinds.items() if kind))


@cache
def _best(op: int, operands: frozenset[str]) -> str:
    """Return the name of the most special stencil for such operands."""
    return variant(op, max((each for each in variants(op) if operands >= {*each}), key=len))


class Away(NamedTuple):
    """A way off the fast path, at offset `jump`."""

    jump: int
    code: Code
    undone: int  # instructions of the block that are not done
    on: int  # where the fast path goes on, an offset


class Copier:
    """Writes a region for the address at which it will lie.

    entries: addresses of blocks by slot, of other regions of the page. helpers: of functions. half:
    the second half of an instruction that begins at the page's end.
    """

    def __init__(
        self, address: int, entries: Mapping[int, int], helpers: Mapping[str, int], half: int = 0
    ):
        self.address = address
        self.code = bytearray()
        self.entries = dict(entries)
        self.waiting: list[tuple[int, int]] = []  # address of a jump, slot of no block yet
        self._helpers, self._half = helpers, half
        self._stencils = stencils()
        self._jumps: list[tuple[int, int]] = []  # offset of the distance, slot
        self._aways: list[Away] = []

    def write(self, blocks: list[Block]) -> None:
        """Write all of the region; the blocks come in the order of their slots."""
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            self._block(block, following[0].slot if following else -1)
        for away in self._aways:
            self._cold(away)
        for jump, slot in self._jumps:
            self._meet(jump, slot)

    def _block(self, block: Block, following: int) -> None:
        first, count = block[0], len(block)
        self.entries[first.slot] = self.address + len(self.code)
        for away in self._copy("head", first, {"count": count})["away"]:
            self._aways.append(Away(away, first, count, -1))
        last = -1
        for done, code in enumerate(block):
            if code.straddles:
                for away in self._copy("straddle", code, {"half": self._half})["away"]:
                    self._aways.append(Away(away, code, count - done, -1))
            ways = self._copy(_stencil(code, last), code, {})
            if template(code.word & 255).result:
                last = code.word >> 8 & 63
            for away in ways["away"]:
                self._aways.append(Away(away, code, count - done, len(self.code)))
            for jump in ways["goal"]:
                self._jumps.append((jump, code.goal))
        end = block[-1]
        if end.goes_on and end.next != following:
            self._jumps.append((self._copy("j", end, {})["goal"][0], end.next))

    def _cold(self, away: Away) -> None:
        self._point(away.jump, len(self.code))
        meaning = away.code.meaning
        if away.on >= 0 and meaning is not None and meaning.kind is Kind.STORE:
            name = f"beside{meaning.size.bit_length() - 1}"
            ways = self._copy(name, away.code, {"cont": self.address + away.on})
            for jump in ways["away"]:
                self._point(jump, len(self.code))
        self._copy("out", away.code, {"undone": away.undone})

    def _meet(self, jump: int, slot: int) -> None:
        """Let a jump lead to the block at `slot`, or to what finds the way there."""
        if slot in self.entries:
            self._point(jump, self.entries[slot] - self.address)
            return
        self._point(jump, len(self.code))
        self._copy("far", Code(slot, 0), {})
        self.waiting.append((self.address + jump, slot))

    def _point(self, jump: int, target: int) -> None:
        struct.pack_into("<i", self.code, jump, target - jump - 4)

    def _copy(self, name: str, code: Code, more: Mapping[str, int]) -> dict[str, list[int]]:
        """Append a stencil; return the offsets of the distances of jumps that are to be led yet.

        If it ends with a jump to what follows, that is cut off.
        """
        stencil, start, word = self._stencils[name], len(self.code), code.word
        ways: dict[str, list[int]] = defaultdict(list)
        values = {
            "rs1": (word >> 14 & 31) << 3, "rs2": (word >> 19 & 31) << 3,
            "rd": (word >> 8 & 63) << 3, "imm": word >> 32,
            "here": 2 * code.slot, "after": 2 * code.next, NEXT: self._helpers.get(NEXT, 0), **more,
        }  # fmt: skip
        self.code += stencil.code
        for hole in stencil.holes:
            at = start + hole.offset
            if hole.symbol not in values:
                ways[hole.symbol].append(at)
                continue
            value = values[hole.symbol] + hole.addend
            if hole.relative:
                value -= self.address + at
            struct.pack_into(hole.form, self.code, at, value)
        onward = ways.pop("cont", [])
        if onward[-1:] == [len(self.code) - 4]:
            onward.pop()
            del self.code[-5:]
        for jump in onward:
            self._point(jump, len(self.code))
        return ways


def place_helpers(arena: Arena) -> dict[str, int]:
    """Put what all regions share into the arena; return the functions' addresses."""
    helpers: dict[str, int] = {}
    for name in (NEXT, "enter", "yes", "no", "beside0", "beside1", "beside2", "beside3"):
        copier = Copier(arena.end, {}, helpers)
        answers = {"cont": helpers["yes"], "away": helpers["no"]} if "no" in helpers else {}
        copier._copy(name, Code(0, 0), answers)
        helpers[name] = arena.end
        arena.put(copier.code)
    return helpers
