"""Hot regions: guest code that runs often, translated to the host's own instructions.

A region is what has been executed inside one physical page and can be reached from a hot
instruction without leaving the page. It is compiled from the same expressions as the run loop
(`semantics`) and does only what the loop's fast path does: at anything else (a TLB miss, a device,
a system instruction, a budget too small for the next block) it stops before that instruction, and
the loop goes on from there. So a region changes how fast a guest runs and nothing that can be
observed, and whether and when one is made is free.

A region is entered through its blocks' first slots in the decode cache, which hold the operation
`region`; from there to the next region it goes by the same entries, without the loop (`next` in
`stencils`). A store that hits decoded code clears the page's part of the cache: so the way in goes.

Which code is hot: the loop looks at the pc from time to time (`loop.is_hot`), often while it finds
code that is in no region.

Source: the idea of compiling what sampling finds hot is Deutsch & Schiffman 1984; the shape
(blocks, a dispatch switch for returns, a check of the budget in each block) is our own.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from itertools import chain

from minihv.hw import hot_loops
from minihv.hw.copier import Arena, Copier, place_helpers
from minihv.hw.decode import COVERED, SHORT, STRADDLES, decode
from minihv.hw.hart import Hart
from minihv.hw.hot_loops import loop_at
from minihv.hw.memory import PAGE, Memory
from minihv.hw.ops import REGION
from minihv.hw.region_ir import Block, discover, first_of
from minihv.hw.state import *
from minihv.hw.stencils import supported

HOT = 3  # looks that find a page's code untranslated before it is translated
SOON, LATE = 5_000, 50_000  # ticks between looks: after one that found such code; at most
HOTTER = 8  # looks that find a block of a region before its loop is compiled,
SHARE = 0.15  # if LLVM does not get more than this part of the processor's time
SECONDS, SECONDS_EACH = 0.005, 0.0003  # that LLVM takes for a loop, and for an instruction
LATER = 50  # looks until it is asked again
COLD = -2_000  # what a place is set to that is done with; others may share its counter
PATIENCE = 8  # a page whose regions are dropped must be hot twice as long each time, so often
LARGEST = 512  # bytes that one instruction may take in a region


def watch(memory: Memory) -> None:
    """Have hot code in `memory` translated from now on, where there are stencils for the host."""
    if memory.regions is None and supported():
        memory.regions = HotRegions(memory)


def _following(hart: Hart) -> int:
    """Return the first halfword of the page after that at pc; -1 if its place is not known."""
    va = (hart.pc & -PAGE) + PAGE
    entry = TLB_FETCH + ((va >> 12 & TLB_ENTRIES - 1) << 1)
    if hart.tlb[entry] != va | hart.s[FETCH_CONTEXT]:
        return -1
    return int(hart.memory.views.r16[va + hart.tlb[entry + 1] >> 1]) & 0xFFFF


class HotRegions:
    """Translates the hot pages of one memory, for all harts that run in it."""

    def __init__(self, memory: Memory):
        self._drops: Counter[int] = Counter()  # by page: how often a store dropped its regions
        self._entries: dict[int, dict[int, int]] = {}  # by page and slot: addresses of blocks
        self._waiting: dict[int, dict[int, list[int]]] = {}  # jumps that would lead there
        self._arena: Arena | None = None
        self._helpers: dict[str, int] = {}
        self._blocks: dict[int, list[Block]] = {}  # by page: all of its regions'
        self._optimized: set[tuple[int, int]] = set()  # pages and slots of loops' heads
        self._candidates: dict[tuple[int, int], tuple[list[Block], str]] = {}  # heads to be: the IR
        self._began = 0.0  # processor time of this thread when the first region was made
        self._spent = 0.0  # seconds of it in LLVM since
        self.loops = 0
        self.count = 0
        self.instructions = 0  # guest instructions translated so far
        shared = memory.shared
        if shared[SHARED_CODE_PAGES] > 1:  # who was here before had regions
            memory.drop_code()
        shared[SHARED_HOT], shared[SHARED_SOON], shared[SHARED_LATE] = HOT, SOON, LATE
        shared[SHARED_HOTTER] = HOTTER
        shared[SHARED_CODE] = memory.code.ctypes.data
        shared[SHARED_CODE_OF] = memory.code_of.ctypes.data

    def translate_at(self, hart: Hart) -> None:
        """Make a region of the code at the hart's pc, which the loop has found hot."""
        memory, pc = hart.memory, hart.pc
        entry = TLB_FETCH + ((pc >> 12 & TLB_ENTRIES - 1) << 1)
        frame = pc + hart.tlb[entry + 1] >> 12
        slot, base = (pc & PAGE - 1) >> 1, int(memory.code_of[frame]) * CODE_STRIDE
        shared = memory.shared
        word = int(memory.code[base + slot])
        if word & COVERED:
            heat = SHARED_BLOCK_HEAT + (base + slot & HEATS - 1)
            if word & 255 == REGION:
                shared[heat] = self.optimize(memory, frame, slot)
            else:  # inside a block
                shared[heat] = 0
                self.translate(hart, frame, slot)
            return
        heat = SHARED_HEAT + (frame & HEATS - 1)
        shared[heat] = 0
        if frame in self._entries and not memory.flags[frame] & PAGE_REGION:
            del self._entries[frame], self._waiting[frame], self._blocks[frame]
            self._optimized = {place for place in self._optimized if place[0] != frame}
            for place in [place for place in self._candidates if place[0] == frame]:
                del self._candidates[place]
            self._drops[frame] += 1
            shared[heat] = HOT - (HOT << min(self._drops[frame], PATIENCE))
            if self._drops[frame] > 1:
                return
        self.translate(hart, frame, slot)

    def optimize(self, memory: Memory, frame: int, slot: int) -> int:
        """Let LLVM compile the loop whose head is at `slot`; return how hot the place is now.

        If the cache does not have it, only if there is time.
        """
        entries = self._entries.get(frame, {})
        if slot not in entries or (frame, slot) in self._optimized:
            return COLD
        if (frame, slot) in self._candidates:  # it was too dear
            blocks, text = self._candidates[frame, slot]
            code = None
        else:
            blocks = loop_at(self._blocks[frame], slot)
            if not blocks:
                return COLD
            text = hot_loops.Emitter(blocks, slot).module()
            code = hot_loops.kept_loop(text)
        if code is None:
            if not self._affordable(sum(map(len, blocks))):
                self._candidates[frame, slot] = blocks, text
                return HOTTER - LATER
            before = time.thread_time()
            code = hot_loops.compile_loop(text)
            self._spent += time.thread_time() - before
            hot_loops.keep_loop(text, code)
        arena = self._arena
        assert arena is not None
        if arena.left < len(code) + 64:
            self._forget(memory)
            return 0
        address = arena.end
        arena.put(code + bytes(-len(code) % 16))
        arena.divert(entries[slot], address)
        self._optimized |= {(frame, block[0].slot) for block in blocks}
        self.loops += 1
        return COLD

    def translate(self, hart: Hart, frame: int, slot: int) -> None:
        """Make a region from the code at halfword `slot` of physical page `frame`."""
        memory = hart.memory
        base = int(memory.code_of[frame]) * CODE_STRIDE
        words = memory.code[base : base + 2048].tolist()
        half = 0
        if words[-1] & STRADDLES:
            half = _following(hart)
            low = int(memory.views.r16[(frame << 11) + 2047]) & 0xFFFF
            words[-1] = decode(low | half << 16, -1) if half >= 0 else 0
        start = slot if words[slot] & COVERED else first_of(words, slot)
        blocks = discover(words, start)
        if base == 0 or not blocks:
            return
        if (arena := self._arena or self._new_arena(memory)) is None:
            return
        size = sum(map(len, blocks))
        if arena.left < LARGEST * size:
            self._forget(memory)
            return
        self._blocks.setdefault(frame, []).extend(blocks)
        entries = self._entries.setdefault(frame, {})
        waiting = self._waiting.setdefault(frame, defaultdict(list))
        copier = Copier(arena.end, entries, self._helpers, half)
        copier.write(blocks)
        arena.put(copier.code)
        for block in blocks:
            first = block[0]
            for code in block:
                memory.code[base + code.slot] |= COVERED
            entries[first.slot] = copier.entries[first.slot]
            offset = entries[first.slot] - arena.base
            memory.code[base + first.slot] = REGION | COVERED | first.word & SHORT | offset << 32
            for jump in waiting.pop(first.slot, ()):
                arena.lead(jump, entries[first.slot])
        for jump, goal in copier.waiting:
            waiting[goal].append(jump)
        memory.flags[frame] |= PAGE_REGION
        self.count += 1
        self.instructions += size

    def _affordable(self, size: int) -> bool:
        """Return whether LLVM may take the time for a loop: a part of what the guest has had."""
        estimate = self._spent + SECONDS + size * SECONDS_EACH
        return estimate <= SHARE * (time.thread_time() - self._began)

    def _new_arena(self, memory: Memory) -> Arena | None:
        try:
            self._arena = Arena()
        except OSError:  # a host that lets nobody write code
            memory.translate_nothing()
            return None
        self._began = time.thread_time()
        self._helpers = place_helpers(self._arena)
        self._publish(memory)
        return self._arena

    def _publish(self, memory: Memory) -> None:
        assert self._arena is not None
        shared = memory.shared
        shared[SHARED_ENTER], shared[SHARED_NEXT] = self._helpers["enter"], self._helpers["next"]
        shared[SHARED_ARENA] = self._arena.base
        for k in range(4):
            shared[SHARED_BESIDE + k] = self._helpers[f"beside{k}"]

    def _forget(self, memory: Memory) -> None:
        """Begin anew: there is no more room. What is decoded stays, or TLBs would tell."""
        for frame, blocks in self._blocks.items():
            if memory.flags[frame] & PAGE_REGION:
                base = int(memory.code_of[frame]) * CODE_STRIDE
                for code in chain.from_iterable(blocks):
                    word = STRADDLES if code.straddles else code.word & ~COVERED
                    memory.code[base + code.slot] = word
                memory.flags[frame] &= ~PAGE_REGION & 0xFF
        self._entries.clear()
        self._waiting.clear()
        self._blocks.clear()
        self._optimized.clear()
        self._candidates.clear()
        assert self._arena is not None
        self._arena.clear()
        self._helpers = place_helpers(self._arena)
        self._publish(memory)
