"""Random work on page tables with leaves of all sizes, each change followed by the least fence.

A guest in S-mode carries out a list of steps, which lies in its memory with its page tables, and
logs what each access gave. `Guest` makes up the list by a seed, and says what the log must be: it
looks into a memory of its own for every access, so it has nothing that could be stale.

Two address spaces share middle and leaf tables. What they map is the pages at `frame(m, p)` alone,
and a gigapage, a 2 MiB page and a 4 KiB page all lead from `virtual(r, m, p)` to one of these.

Source for what a fence must name: Privileged ISA 20240411, section 10.2.1.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from minihv.asm import assemble

RAM, MEMORY = 0x80000000, 10 << 20  # the last 2 MiB: for the device tree
BASE = 0x80200000  # where a flat image lies that starts in S-mode
ROOTS = (0x80201000, 0x80202000)
MIDDLES, LEAVES = (0x80203000, 0x80204000, 0x80205000), tuple(range(0x80206000, 0x8020A000, 4096))
OWN = 0x8020A000  # the middle and leaf tables of all RAM, if the code has no gigapage
STEPS, LOG = 0x80210000, 0x80280000
REGIONS, LARGE, SMALL = (1, 4, 511), (1, 2, 3), (0x180, 0x181, 0x1F0)  # indices, by level
INDICES = (SMALL, LARGE, REGIONS)
V, R, W, X, U, A, D = 1, 2, 4, 8, 16, 64, 128
FLAGS = (0xCF,) * 6 + (0xC7, 0xC3, 0xCB, 0xC9, 0x4F, 0x4F, 0x0F, 0xDF, 0xC5)
ASIDS = (0, 1, 0x1234, 0xFFFF)
NOWHERE = RAM + MEMORY
CODE_AT = 0x100  # in each page that can be mapped: a function that returns a number
FETCH, LOAD, STORE = range(3)
PAGE_FAULTS, ACCESS_FAULTS = (12, 13, 15), (1, 5, 7)

# The kinds of step, with what they do to a1 and a2; `!`: the guest logs the outcome.
KINDS = {
    "load": "ld a0, (a1)!", "store": "sd a2, (a1)\nfence.i!", "add": "amoadd.d a0, a2, (a1)!",
    "run": "jalr ra, 0(a1)!", "set": "sd a2, (a1)", "satp": "csrw satp, a1",
    "sfence.vma": "sfence.vma", "sfence.vma address": "sfence.vma a1",
    "sfence.vma asid": "sfence.vma x0, a2", "sfence.vma address asid": "sfence.vma a1, a2",
    "sinval.vma": "sinval.vma x0, x0", "sinval.vma address": "sinval.vma a1, x0",
    "sinval.vma asid": "sinval.vma x0, a2", "sinval.vma address asid": "sinval.vma a1, a2",
    "sfence.w.inval": "sfence.w.inval", "sfence.inval.ir": "sfence.inval.ir",
    "end": "csrw satp, x0\nli t0, 0x100000\nli t1, 0x5555\nsw t1, (t0)",
}  # fmt: skip


@cache
def code() -> bytes:
    """The guest: a loop over the steps, and a handler that goes on after what trapped."""
    bodies = "".join(
        f".balign 64\n{body.rstrip('!')}\nj {'log' if body.endswith('!') else 'next'}\n"
        for body in KINDS.values()
    )
    return bytes(assemble(f"""
    .option norvc
    la t0, handler
    csrw stvec, t0
    la s1, bodies
    li s0, {STEPS:#x}
    li s2, {LOG:#x}
next:
    ld t0, (s0)
    ld a1, 8(s0)
    ld a2, 16(s0)
    addi s0, s0, 24
    li a0, 0
    li t3, 0
    slli t0, t0, 6
    add t0, t0, s1
    jr t0
log:
    sd t3, (s2)
    sd a0, 8(s2)
    addi s2, s2, 16
    j next
    .balign 4
handler:
    csrr t3, scause
    csrr a0, stval
    csrr t4, sepc
    addi t4, t4, 4
    beq a0, a1, here        # all accesses are to a1
    li t3, -1
here:
    li t5, 12
    beq t3, t5, back
    li t5, 1
    bne t3, t5, on
back:
    mv t4, ra
on:
    csrw sepc, t4
    sret
    .balign 64
bodies:
    {bodies}
    """, BASE).data)  # fmt: skip


def frame(m: int, p: int) -> int:
    """Return the physical address of a page that may be mapped."""
    return RAM | m << 21 | p << 12


def virtual(r: int, m: int = 0, p: int = 0) -> int:
    """Return an address by its indices in the tables; the upper ones are negative."""
    return (r << 30 | m << 21 | p << 12) - (r >> 8 << 39)


def function(number: int) -> int:
    """Return two instructions: a0 = number, and return."""
    return 0x00008067 << 32 | number << 20 | 10 << 7 | 0x13


def pte(address: int, flags: int) -> int:
    return address >> 12 << 10 | flags


def target(entry: int) -> int:
    return entry >> 10 << 12


def points(entry: int) -> bool:
    """Return whether an entry of a root or middle table is a pointer to a table."""
    return entry & (V | R | W | X | U | A | D) == V


class Stale(NamedTuple):
    """What a change makes stale: all of a space, or the page of `size` at `va` there."""

    space: int
    va: int
    size: int  # 0: all


class Model:
    """Memory by doublewords, the space that is on, and what an access gives: no TLB."""

    def __init__(self, memory: dict[int, int], svade: bool):
        self.memory = memory
        self.svade = svade
        self.root: int | None = None  # None: without translation

    def path(self, root: int, va: int) -> Iterator[tuple[int, int]]:
        """Yield the place and level of each entry on the way to an address."""
        table = root
        for level in (2, 1, 0):
            place = table + (va >> 12 + 9 * level & 511) * 8
            yield place, level
            if not level or not points(self.memory.get(place, 0)):
                return
            table = target(self.memory[place])

    def translate(self, va: int, access: int) -> tuple[int, int]:
        """Return (cause, va) or (0, pa)."""
        pa = va
        if self.root is not None:
            *_, (place, level) = self.path(self.root, va)
            if not inside(place):
                return ACCESS_FAULTS[access], va
            entry, below = self.memory.get(place, 0), (1 << 12 + 9 * level) - 1
            right, wanted = (X, R, W)[access], A | D if access == STORE else A
            bad = not entry & V or entry & (R | W) == W or target(entry) & below
            if bad or entry & U or not entry & right or self.svade and entry & wanted != wanted:
                return PAGE_FAULTS[access], va
            self.memory[place] = entry | wanted
            pa = target(entry) | va & below
        return (0, pa) if inside(pa) else (ACCESS_FAULTS[access], va)

    def outcome(self, kind: str, va: int, value: int) -> tuple[int, int]:
        """Carry out an access; return (cause, stval) or (0, what it loaded)."""
        access = {"run": FETCH, "load": LOAD}.get(kind, STORE)
        cause, where = self.translate(va, access)
        if cause:
            return cause, where
        old = self.memory.get(where, 0)
        if access == STORE:
            self.memory[where] = (value + (old if kind == "add" else 0)) % 2**64
        return 0, old >> 20 & 0xFFF if kind == "run" else 0 if kind == "store" else old


def inside(address: int) -> bool:
    return RAM <= address < RAM + MEMORY


class Guest:
    """A random guest: `image` in memory from BASE on, and the `log` that it must leave at LOG."""

    def __init__(self, seed: int, rounds: int = 40):
        self.chosen = chosen = random.Random(seed)
        self.svade = chosen.random() < 0.2
        self.gigapage = chosen.random() < 0.6  # for the code
        self.asids = chosen.sample(ASIDS, 2)
        self.model = Model(self.beginning(), self.svade)
        self.steps: list[tuple[str, int, int]] = []
        self.log: list[tuple[int, int]] = []
        before = dict(self.model.memory)
        self.switch()
        for _ in range(rounds):
            self.round()
        self.step("end")
        self.image = self.image_of(before)

    # --- memory at the beginning ----------------------------------------------------------------

    def beginning(self) -> dict[int, int]:
        """Pages with values of their own and a function each, and random tables."""
        memory = {}
        pages = [frame(m, p) for m in LARGE for p in SMALL]
        for number, page in enumerate(pages):
            memory.update({page + at: page + at for at in (0, 8, 0xFF8)})
            memory[page + CODE_AT] = function(number)
        for level, tables in enumerate((LEAVES, MIDDLES, ROOTS)):
            for table in tables:
                memory |= {table + 8 * i: self.entry(level) for i in INDICES[level]}
        memory |= {root + 16: pte(OWN, V) for root in ROOTS}
        if self.gigapage:
            memory |= {root + 16: pte(RAM, 0xCF) for root in ROOTS}
        for n in range(MEMORY >> 21):
            memory[OWN + 8 * n] = pte(OWN + 4096 * (n + 1), V)
        for n in range(MEMORY >> 12):
            memory[OWN + 4096 + 8 * n] = pte(RAM + 4096 * n, 0xCF)
        return memory

    def image_of(self, memory: dict[int, int]) -> bytes:
        image = bytearray(frame(4, 0) - BASE)
        image[: len(code())] = code()
        for address, value in memory.items():
            struct.pack_into("<Q", image, address - BASE, value)
        kinds = list(KINDS)
        for n, (kind, a, b) in enumerate(self.steps):
            struct.pack_into(
                "<3Q", image, STEPS - BASE + 24 * n, kinds.index(kind), a % 2**64, b % 2**64
            )
        assert STEPS + 24 * len(self.steps) <= LOG
        return bytes(image)

    # --- steps ----------------------------------------------------------------------------------

    def step(self, kind: str, a: int = 0, b: int = 0) -> None:
        self.steps.append((kind, a, b))

    def round(self) -> None:
        """Use a page, change what leads there, fence, and use it again, with others."""
        if self.chosen.random() < 0.3:
            self.switch()
        used = [self.address() for _ in range(self.chosen.choice((1, 1, 2, 3)))]
        for va in used:
            self.access(va)
        if self.chosen.random() < 0.4:
            self.switch()
        stale = [what for va in used for what in self.change(va)]
        self.fence(stale)
        for va in [*used, *self.chosen.choices(used, k=2), self.address()]:
            if self.chosen.random() < 0.2:
                self.switch()
            self.access(va)
        self.look(used[0])

    def address(self) -> int:
        return virtual(*(self.chosen.choice(indices) for indices in reversed(INDICES)))

    def access(self, page: int) -> None:
        kind = self.chosen.choice(("load", "load", "load", "store", "store", "add", "run"))
        va, value = page + self.chosen.choice((0, 8, 0xFF8)), self.chosen.getrandbits(64)
        if kind == "run" or kind == "store" and self.chosen.random() < 0.3:
            va, value = page + CODE_AT, function(self.chosen.randrange(100, 2000))
        self.step(kind, va, value)
        self.note(kind, va, value)

    def look(self, va: int) -> None:
        """Read the last entry on the way to an address, with the A and D that the hart has set."""
        root = self.model.root or self.chosen.choice(ROOTS)
        *_, place = (place for place, _ in self.model.path(root, va) if inside(place))
        self.step("load", place)
        self.note("load", place, 0)

    def note(self, kind: str, va: int, value: int) -> None:
        cause, result = self.model.outcome(kind, va, value)
        self.log.append((cause, result % 2**64))

    def switch(self) -> None:
        """To one of the spaces, or (seldom) to none."""
        space = self.chosen.choice((0, 0, 0, 1, 1, 1, None))
        self.model.root = None if space is None else ROOTS[space]
        self.step("satp", 0 if space is None
                  else 8 << 60 | self.asids[space] << 44 | ROOTS[space] >> 12)  # fmt: skip

    # --- changes --------------------------------------------------------------------------------

    def entry(self, level: int) -> int:
        """Return an entry for a table at this level: a leaf, a pointer, or nothing."""
        chosen, kind = self.chosen, self.chosen.random()
        if kind < 0.1:
            return 0
        if level and kind < 0.55:
            table = chosen.choice((LEAVES, MIDDLES)[level - 1])
            odd = chosen.choice(((table, V | A), (NOWHERE, V)))  # malformed, or out of memory
            return pte(table, V) if kind < 0.52 else pte(*odd)
        pages = {
            0: [frame(m, p) for m in LARGE for p in SMALL],
            1: [frame(m, 0) for m in LARGE] * 3 + [NOWHERE, frame(1, 1)],  # the last: misaligned
            2: [RAM] * 8 + [RAM + (1 << 30), frame(1, 0)],
        }[level]
        return pte(chosen.choice(pages), chosen.choice(FLAGS))

    def change(self, va: int) -> list[Stale]:
        """Change an entry on the way to an address in one of the spaces."""
        chosen, memory = self.chosen, self.model.memory
        way = [*self.model.path(chosen.choice(ROOTS), va)]
        place, level = chosen.choice([step for step in way if inside(step[0])])
        old = memory[place]
        new = self.entry(level)
        if old & (R | X) and chosen.random() < 0.4:
            new = chosen.choice((old & ~(A | D), old & ~D, old & ~W, old | W | R, 0, old & ~A))
        # A fence of addresses is about leaves alone: what was a pointer, or is one now, needs more.
        whole = level > 0 and not old & (R | X) and (old & V or points(new))
        stale = [
            Stale(space, at, 0 if whole else 1 << 12 + 9 * level)
            for space, at in self.reached(place)
        ]
        memory[place] = new
        self.step("set", place, new)
        return stale

    def reached(self, place: int) -> set[tuple[int, int]]:
        """Return (space, va) of every way that leads to an entry; va is the first there."""
        return {
            (space, va & -1 << 12 + 9 * level)
            for space, root in enumerate(ROOTS)
            for va in (virtual(r, m, p) for r in REGIONS for m in LARGE for p in SMALL)
            for at, level in self.model.path(root, va) if at == place
        }  # fmt: skip

    # --- fences ---------------------------------------------------------------------------------

    def fence(self, stale: list[Stale]) -> None:
        """Fence what is stale, and seldom more; with Svinval or without."""
        chosen = self.chosen
        fences = self.fences(stale)
        chosen.shuffle(fences)
        svinval = chosen.random() < 0.3
        if svinval:
            self.step("sfence.w.inval")
        for kind, va, asid in fences:
            self.step(("sinval.vma" if svinval else "sfence.vma") + kind, va, asid)
        if svinval:
            self.step("sfence.inval.ir")

    def fences(self, stale: list[Stale]) -> list[tuple[str, int, int]]:
        """Return the kinds of fence, with addresses and ASIDs, that cover what is stale."""
        chosen = self.chosen
        if stale and chosen.random() < 0.06:
            return [("", 0, 0)]
        whole = {space for space, _, size in stale if not size}
        if chosen.random() < 0.1:
            whole = {space for space, *_ in stale}
        if len(whole) == 2 and chosen.random() < 0.3:
            return [("", 0, 0)]
        pages = {what for what in stale if what.space not in whole}
        anywhere = {(va, size): va + chosen.randrange(size) for _, va, size in pages if size}
        result = [(" asid", 0, self.asids[space]) for space in whole]
        if chosen.random() < 0.4:
            return result + [(" address", va, 0) for va in anywhere.values()]
        return result + [
            (" address asid", anywhere[va, size], self.asids[space]) for space, va, size in pages
        ]
