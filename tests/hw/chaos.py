"""Random words as code: a machine that runs whatever fills its RAM, and hops on at every trap.

One page holds the only sane code: a handler in M-mode that aims at the next word in line and
returns there, in the mode that is tested. PMP keeps that page from being written. A timer breaks
loops, registers point into RAM (x8 at the code that is about to run), and low virtual addresses
are mapped at random. Everything else is left to chance, by a seed.
"""

from __future__ import annotations

import random

import numpy as np

from minihv.asm import assemble
from minihv.devices.virt import Machine
from minihv.hw import regions
from minihv.hw import state as st
from minihv.hw.hart import STARTED, Hart
from minihv.hw.isa import INSTRUCTIONS
from minihv.hw.memory import Memory

RAM = st.RAM_BASE
HANDLER, TABLES, WORDS = RAM, RAM + 0x1000, RAM + 0x4000  # of 4 KiB, 12 KiB, the rest
WINDOW = 2 << 20  # bytes of virtual addresses from 0 on, mapped at random
MODES = {"m": 3, "s": 1, "u": 0}
HOSTED = "sbi"  # a fourth mode: S-mode over the host's firmware, which gets random calls
EXTENSIONS = (0, 1, 2, 3, 4, 5, 6, 7, 0x10, 0x54494D45, 0x735049, 0x52464E43, 0x48534D, 0x53525354,
              0x4442434E, 0x4442434E)  # fmt: skip
DEVICES = (0x100000, 0x2000000, 0x2004000, 0x200BFF8, 0xC000000, 0xC200000, 0x10000000, 0)
LOOP = 30  # units of time until a loop is broken

SOURCE = """
        li a0, {status:#x}
        csrw mstatus, a0
        csrr a1, mscratch
        addi a1, a1, 4
        csrw mscratch, a1
        csrw mepc, a1
        csrw mip, x0
        li a0, {satp:#x}
        csrw satp, a0
        li a0, 0x20
        csrw mie, a0
        li a0, {medeleg:#x}
        csrw medeleg, a0
        csrw mideleg, x0
        csrr a0, time
        addi a0, a0, {loop}
        csrw stimecmp, a0
        andi x8, a1, -8
        srli x9, a1, 2
        xor x9, x9, a0
        li x10, {mask:#x}
        and x9, x9, x10
        li x10, {base:#x}
        or x9, x9, x10
        li x2, {stack:#x}
        addi x11, x9, 1
        slli x12, a0, 3
        li x13, {device:#x}
        mret
"""
HOSTED_SOURCE = """
        li a0, {status:#x}
        csrw sstatus, a0
        csrr a1, sscratch
        addi a1, a1, 4
        csrw sscratch, a1
        csrw sepc, a1
        li a0, {satp:#x}
        csrw satp, a0
        li a0, 0x20
        csrw sie, a0
        csrr a0, time
        addi a0, a0, {loop}
        csrw stimecmp, a0
        srli t0, a1, 2
        andi t1, t0, 15
        slli t1, t1, 3
        la t2, extensions
        add t2, t2, t1
        ld a7, (t2)
        srli a6, t0, 4
        andi a6, a6, 3
        andi a0, t0, 63
        andi x8, a1, -8
        addi x11, a1, -256
        slli x12, t0, 52
        srli x12, x12, 61
        sret
        .align 3
extensions: {extensions}
"""


def random_words(seed: int, count: int, calls: float = 0) -> bytes:
    """`count` words: half of them any bits, half instructions of the table with any operands.

    calls: the part of them that is replaced by ecall.
    """
    generator = np.random.default_rng(seed)
    words = generator.integers(0, 1 << 32, count, dtype=np.uint64)
    rows = np.array([_full(row.match, row.mask, row.size) for row in INSTRUCTIONS], dtype=np.uint64)
    chosen = rows[generator.integers(0, len(rows), count)]
    legal = chosen[:, 0] | words & ~chosen[:, 1]
    guided = generator.integers(0, 2, count) == 1
    words = np.where(guided, legal, words)
    words = np.where(generator.random(count) < calls, 0x73, words)
    return words.astype("<u4").tobytes()


def _full(match: int, mask: int, size: int) -> tuple[int, int]:
    """Match and mask of a word: a compressed instruction leaves the upper half to chance."""
    return match, mask & (0xFFFFFFFF if size == 4 else 0xFFFF)


def make_eager(machine: Machine, ticks: int, most: int = 200) -> None:
    """Translate all code that a look every so many ticks finds, up to a number of regions."""
    look_eagerly(machine.memory, ticks, most)
    machine.rounds.slice = ticks


def look_eagerly(memory: Memory, ticks: int, most: int = 200) -> None:
    """The same for all harts of a memory, but turns stay as long as they are."""
    memory.regions = EagerRegions(memory, most)
    shared = memory.shared
    shared[st.SHARED_HOT], shared[st.SHARED_SOON], shared[st.SHARED_LATE] = 1, ticks, ticks
    shared[st.SHARED_HOTTER] = 1


MOST_LOOPS = 2  # that LLVM compiles for one machine


class EagerRegions(regions.HotRegions):
    """Gives no page up, and stops at `most` regions and a few loops."""

    def __init__(self, memory: Memory, most: int):
        super().__init__(memory)
        self.most = most

    def optimize(self, memory: Memory, frame: int, slot: int) -> int:
        """As the usual one, at once."""
        if self.loops >= MOST_LOOPS:
            return regions.COLD
        return super().optimize(memory, frame, slot)

    def _affordable(self, size: int) -> bool:
        return True

    def translate_at(self, hart: Hart) -> None:
        """As the usual one, but every page is as it were new."""
        self._drops.clear()
        if self.count < self.most:
            super().translate_at(hart)


class Chaos:
    """A machine of `size` bytes full of random words, in mode "m", "s", "u" or "sbi"."""

    def __init__(self, seed: int, mode: str, engine: str, *, size: int = 1 << 18, harts: int = 1):
        chosen = random.Random(seed)
        self.size, self.mode = size, mode
        self.machine = Machine(
            memory=size,
            harts=harts,
            engine=engine,
            misaligned=chosen.random() < 0.8,
            svade=chosen.random() < 0.3,
        )
        self.count = (size - (WORDS - RAM)) // 4
        self.machine.memory.write(
            WORDS, random_words(seed, self.count, 0.1 if mode == HOSTED else 0)
        )
        self._place_handler(chosen)
        self._place_tables(chosen)
        for hart in self.machine.harts:
            if mode == HOSTED:
                hart.own_machine_mode()
            hart.csr["pmpaddr0"] = HANDLER >> 2 | 0x1FF
            hart.csr["pmpaddr1"] = (1 << 54) - 1
            for number in range(1, 32):
                hart.x[number] = chosen.getrandbits(chosen.choice((8, 32, 64)))
        self.aim(0)

    def _place_handler(self, chosen: random.Random) -> None:
        paging = self.mode != "m"
        values = {
            "satp": 8 << 60 | TABLES >> 12 if paging else 0,
            "loop": LOOP,
            "status": chosen.getrandbits(2) << 18,  # SUM, MXR
        }
        if self.mode == HOSTED:
            values["status"] |= 0x120  # SPP, SPIE
            table = "\n".join(f".dword {number}" for number in EXTENSIONS)
            source = HOSTED_SOURCE.format(extensions=table, **values)
        else:
            values["status"] |= MODES[self.mode] << 11 | 0x80  # MPP, MPIE
            source = SOURCE.format(
                medeleg=chosen.getrandbits(16) & ~0x1004 if chosen.random() < 0.5 else 0,
                mask=(WINDOW if paging else self.size) - 1,
                base=0 if paging else RAM,
                stack=RAM + self.size // 2 + chosen.randrange(-64, 64),
                device=chosen.choice(DEVICES),
                **values,
            )
        self.machine.memory.write(HANDLER, assemble(source, HANDLER).data)

    def _place_tables(self, chosen: random.Random) -> None:
        """The RAM's gigapage one to one, and the window's pages at random."""
        user = 16 if self.mode == "u" else 0
        root = [0] * 512
        root[0] = TABLES + 0x1000 >> 12 << 10 | 1
        root[2] = RAM >> 12 << 10 | 0xCF | user
        middle = [TABLES + 0x2000 >> 12 << 10 | 1] + [0] * 511
        leaves = []
        for _ in range(512):
            frame = (RAM >> 12) + chosen.randrange(self.size >> 12)
            flags = chosen.choice((0xCF, 0xC7, 0x0F, 0x47, 0x43, 0x4B, 0x49, 0x8F, 0xDF, 0, 5))
            leaves.append(frame << 10 | flags | chosen.choice((0, user, 16)))
        data = b"".join(pte.to_bytes(8, "little") for pte in (*root, *middle, *leaves))
        self.machine.memory.write(TABLES, data)

    def aim(self, index: int) -> None:
        """Bring every hart back to order, to go on from word `index` (harts far apart)."""
        apart = self.count // len(self.machine.harts)
        self.machine.board.ended = None  # some device or call may have ended it
        for hart in self.machine.harts:
            hart.status = STARTED
            hart.priv = 1 if self.mode == HOSTED else 3
            hart.csr["mtvec"] = hart.csr["stvec"] = HANDLER
            hart.csr["mstatus"] = 0
            hart.csr["menvcfg"] = 1 << 63
            hart.csr["mcounteren"] = hart.csr["scounteren"] = 7
            hart.csr["pmpcfg0"] = 0x1F9D  # the handler: locked, R X; the rest: R W X
            place = WORDS + 4 * ((index + hart.id * apart) % self.count) - 4
            hart.csr["mscratch"] = hart.csr["sscratch"] = place
            hart.csr["satp"] = 0
            hart.s[st.WAIT] = 0
            hart.pc = HANDLER

    def position(self) -> int:
        """How many words hart 0 has aimed at, as far as its own register tells."""
        name = "sscratch" if self.mode == HOSTED else "mscratch"
        return (self.machine.harts[0].csr[name] - WORDS) // 4 + 1
