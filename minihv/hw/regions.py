"""Hot regions: guest code that runs often, translated to the host's own instructions.

A region is what can be reached inside one physical page from a hot instruction without leaving
the page. It is compiled from the same expressions as the run loop (`semantics`) and does only
what the loop's fast path does: at anything else (a TLB miss, a device, a system instruction, a
budget too small for the next block) it stops before that instruction, and the loop goes on from
there. So a region changes how fast a guest runs and nothing that can be observed, and whether and
when one is made is free: the hart's pc is looked at once a slice.

A region is entered through its blocks' first slots in the decode cache, which hold the operation
`region`. A store to a page with regions clears the page's part of the cache: the way in is gone.

Source: the idea of compiling what sampling finds hot is Deutsch & Schiffman 1984; the shape
(blocks, a dispatch switch for returns, a check of the budget in each block) is our own.
"""

from __future__ import annotations

from collections import Counter

from minihv.hw.hart import Hart
from minihv.hw.memory import PAGE, Memory
from minihv.hw.ops import REGION
from minihv.hw.region_ir import Emitter, discover
from minihv.hw.state import *

HOT = 4  # samples in one page before it is translated
RETRIES = 8  # translations of one page before it is left alone: it keeps changing


class Compiler:
    """LLVM, through llvmlite."""

    def __init__(self) -> None:
        from llvmlite import binding

        self._llvm = binding
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        self._kept: list[object] = []  # the engines own the code that they made

    def compile(self, text: str, name: str) -> int:
        """Return the address of function `name` of an IR module, which is verified first."""
        module = self._llvm.parse_assembly(text)
        module.verify()
        target = self._llvm.Target.from_default_triple()
        machine = target.create_target_machine(opt=1, codemodel="jitdefault", jit=True)
        engine = self._llvm.create_mcjit_compiler(module, machine)
        engine.finalize_object()
        self._kept.append(engine)
        return engine.get_function_address(name)


class HotRegions:
    """Samples the harts of one machine, and translates the pages where they spend their time."""

    def __init__(self, memory: Memory):
        self._memory = memory
        self._samples: Counter[int] = Counter()
        self._made: Counter[int] = Counter()  # translations by page
        self._slots: dict[int, set[int]] = {}  # by page: the slots that its regions cover
        self._compiler: Compiler | None = None
        self.count = 0
        self.instructions = 0  # guest instructions translated so far

    def sample(self, hart: Hart) -> None:
        """Look where the hart is; translate a region there once it has been seen often enough."""
        s, pc = hart.s, hart.pc
        entry = TLB_FETCH + ((pc >> 12 & TLB_ENTRIES - 1) << 1)
        if s[BREAKPOINTS] or hart.tlb[entry] != pc & -PAGE | s[FETCH_CONTEXT]:
            return
        frame = pc + hart.tlb[entry + 1] >> 12
        slot = (pc & PAGE - 1) >> 1
        if not self._memory.flags[frame] & PAGE_REGION:
            self._slots[frame] = set()  # none was made, or a store dropped them
        elif slot in self._slots[frame]:
            return
        self._samples[frame] += 1
        if self._samples[frame] < HOT or self._made[frame] >= RETRIES or self.count >= REGIONS:
            return
        self._samples[frame] = 0
        self.translate(frame, slot)

    def translate(self, frame: int, slot: int) -> None:
        """Make a region from the code at halfword `slot` of physical page `frame`."""
        memory = self._memory
        base = int(memory.code_of[frame]) * CODE_STRIDE
        page = memory.read(memory.base + frame * PAGE, PAGE)
        blocks = discover(page, slot)
        if base == 0 or not blocks:
            return
        if self._compiler is None:
            self._compiler = Compiler()
        name = f"region{self.count}"
        address = self._compiler.compile(Emitter(blocks).module(name), name)
        memory.shared[SHARED_REGIONS + self.count] = address
        for block in blocks:
            memory.code[base + block[0].slot] = REGION | self.count << 32
        memory.flags[frame] |= PAGE_REGION
        self._slots[frame] |= {code.slot for block in blocks for code in block}
        self._made[frame] += 1
        self.count += 1
        self.instructions += sum(map(len, blocks))
