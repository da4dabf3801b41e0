"""Hot regions: guest code that runs often, translated to the host's own instructions.

A region is what has been executed inside one physical page and can be reached from a hot
instruction without leaving the page. It is compiled from the same expressions as the run loop
(`semantics`) and does only what the loop's fast path does: at anything else (a TLB miss, a device,
a system instruction, a budget too small for the next block) it stops before that instruction, and
the loop goes on from there. So a region changes how fast a guest runs and nothing that can be
observed, and whether and when one is made is free.

A region is entered through its blocks' first slots in the decode cache, which hold the operation
`region`; from there to the next region it goes by the same entries, without the loop (`next` in
`region_ir`). A store that hits decoded code clears the page's part of the cache: the way in is gone.

Which code is hot: the loop looks at the pc from time to time (`loop.is_hot`), often while it finds
code that is in no region.

Source: the idea of compiling what sampling finds hot is Deutsch & Schiffman 1984; the shape
(blocks, a dispatch switch for returns, a check of the budget in each block) is our own.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from minihv.hw.decode import COVERED, SHORT
from minihv.hw.hart import Hart
from minihv.hw.memory import PAGE, Memory
from minihv.hw.ops import REGION
from minihv.hw.region_ir import Emitter, beside_module, discover, next_module
from minihv.hw.state import *

HOT = 40  # looks that find a page's code untranslated before it is translated
SOON, LATE = 5_000, 1_000_000  # ticks between looks: after one that found such code; at most
PATIENCE = 8  # a page whose regions are dropped must be hot twice as long each time, so often


class Compiler:
    """LLVM, through llvmlite, which Numba brings along."""

    def __init__(self) -> None:
        from llvmlite import binding

        self._llvm = binding
        binding.set_option("minihv", "--fast-isel")
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        target = binding.Target.from_default_triple()
        self._machine = target.create_target_machine(opt=1, codemodel="jitdefault", jit=True)

    def compile(self, text: str, name: str) -> tuple[int, Any]:
        """Return the address of function `name` of an IR module, and who owns its code."""
        module = self._llvm.parse_assembly(text)
        module.verify()
        engine = self._llvm.create_mcjit_compiler(module, self._machine)
        engine.finalize_object()
        return engine.get_function_address(name), engine


class HotRegions:
    """Translates the hot pages of one memory, for all harts that run in it."""

    def __init__(self, memory: Memory):
        self._memory = memory
        self._drops: Counter[int] = Counter()  # by page: how often a store dropped its regions
        self._translated: set[int] = set()  # pages that have regions, as far as we know
        self._compiler: Compiler | None = None
        self._kept: list[Any] = []  # what owns the code
        self.count = 0
        self.instructions = 0  # guest instructions translated so far
        shared = memory.shared
        shared[SHARED_HOT], shared[SHARED_SOON], shared[SHARED_LATE] = HOT, SOON, LATE
        shared[SHARED_CODE] = memory.code.ctypes.data
        shared[SHARED_CODE_OF] = memory.code_of.ctypes.data

    def translate_at(self, hart: Hart) -> None:
        """Make a region of the code at the hart's pc, which the loop has found hot."""
        pc = hart.pc
        entry = TLB_FETCH + ((pc >> 12 & TLB_ENTRIES - 1) << 1)
        frame = pc + hart.tlb[entry + 1] >> 12
        shared, heat = self._memory.shared, SHARED_HEAT + (frame & HEATS - 1)
        shared[heat] = 0
        if frame in self._translated and not self._memory.flags[frame] & PAGE_REGION:
            self._translated.remove(frame)
            self._drops[frame] += 1
            shared[heat] = HOT - (HOT << min(self._drops[frame], PATIENCE))
            if self._drops[frame] > 1:
                return
        self.translate(frame, (pc & PAGE - 1) >> 1)

    def translate(self, frame: int, slot: int) -> None:
        """Make a region from the code at halfword `slot` of physical page `frame`."""
        memory = self._memory
        base = int(memory.code_of[frame]) * CODE_STRIDE
        blocks = discover(memory.code[base : base + 2048].tolist(), slot)
        if base == 0 or not blocks or self.count >= REGIONS:
            return
        compiler = self._compiler or self._new_compiler()
        name = f"region{self.count}"
        address, owner = compiler.compile(Emitter(blocks).module(name), name)
        self._kept.append(owner)
        memory.shared[SHARED_REGIONS + self.count] = address
        for block in blocks:
            for code in block:
                memory.code[base + code.slot] |= COVERED
            first = block[0]
            entry = REGION | COVERED | first.word & SHORT | self.count << 32
            memory.code[base + first.slot] = entry
        memory.flags[frame] |= PAGE_REGION
        self._translated.add(frame)
        self.count += 1
        self.instructions += sum(map(len, blocks))

    def _new_compiler(self) -> Compiler:
        self._compiler = Compiler()
        modules = [(SHARED_NEXT, next_module(), "next")]
        modules += [(SHARED_BESIDE + k, beside_module(k), "beside") for k in range(4)]
        for slot, text, name in modules:
            self._memory.shared[slot], owner = self._compiler.compile(text, name)
            self._kept.append(owner)
        return self._compiler
