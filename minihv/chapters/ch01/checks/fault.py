"""Exercise 01.3: a guest whose kernel set one bit of one PTE wrong; find it.

A seed makes twenty small guests. Each starts in M-mode, turns Sv39 on and enters a user program
that touches every region of its memory. One bit of one PTE is planted; the machine runs the guest
and reports the fault. From the fault and the tables the learner's function finds PTE and bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

from minihv.asm import assemble
from minihv.chapters.ch01 import pages
from minihv.chapters.ch01.beside.memory import Region
from minihv.chapters.ch01.pages import FETCH, LOAD, STORE, Regime
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.course.shapes import Maybe
from minihv.course.texts import say
from minihv.devices.virt import Machine

BASE, RAM = 0x80000000, 4 << 20
HEAP_FRAME = 0x80200000  # the one 2 MiB frame
REPORT = 0x80000800  # where the guest leaves mcause and mtval
FRAMES = range(4, 256)  # 4 KiB frames after the guest's own code
SV39 = 8 << 60
ACCESS_OF = {12: FETCH, 13: LOAD, 15: STORE}

START = """
    la t0, trap
    csrw mtvec, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    li t0, {satp:#x}
    csrw satp, t0
    li t0, {entry:#x}
    csrw mepc, t0
    mret                        # mstatus.MPP is 0 after reset: to U-mode
    .balign 4
trap:
    csrr t0, mcause
    li t1, {report:#x}
    sd t0, 0(t1)
    csrr t2, mtval
    sd t2, 8(t1)
    li t1, 0x100000             # the test finisher
    li t2, 0x5555               # pass, where the program called ecall
    addi t3, t0, -8
    beqz t3, 1f
    slli t2, t0, 16             # else fail, with the cause as exit code
    li t3, 0x3333
    or t2, t2, t3
1:  sw t2, 0(t1)
    j 1b
"""


@dataclass(repr=False)
class Guest:
    """A guest with a planted fault: its image, what the kernel meant, and what the machine saw."""

    image: bytes
    satp: int
    regions: tuple[Region, ...]
    pte_address: int  # the answer
    bit: int

    def __repr__(self) -> str:
        name = pages.CAUSE_NAMES.get(self.cause, "no fault")
        lines = [f"cause {self.cause} ({name}) at va {self.va:#x}, satp {self.satp:#x}"]
        return "\n".join(lines + [str(region) for region in self.regions])

    def machine(self) -> Machine:
        """Return a machine that is about to run the guest (a clear A or D bit faults: Svade)."""
        return Machine(memory=RAM, engine="python", svade=True).load(self.image, boot="m")

    @cached_property
    def report(self) -> tuple[int, int]:
        """(mcause, mtval) of the trap that ended the guest's run."""
        machine = self.machine()
        machine.run(100_000)
        return machine.memory.read_u64(REPORT), machine.memory.read_u64(REPORT + 8)

    @property
    def cause(self) -> int:
        """mcause of the fault: 12 fetch, 13 load, 15 store."""
        return self.report[0]

    @property
    def va(self) -> int:
        """mtval of the fault: the virtual address that could not be translated."""
        return self.report[1]

    def read_u64(self, address: int) -> int | None:
        """Return the doubleword at a physical address of the image, None outside RAM."""
        if not BASE <= address <= BASE + RAM - 8:
            return None
        return int.from_bytes(self.image[address - BASE :][:8].ljust(8, b"\0"), "little")


class Kernel:
    """Lays a guest out: random regions, random frames, tables as the kernel meant them."""

    def __init__(self, rng: Random):
        self.rng = rng
        self.frames = list(FRAMES)
        rng.shuffle(self.frames)
        self.words: dict[int, int] = {}
        self.tables: dict[tuple[int, int], int] = {}
        self.contents: dict[int, bytes] = {}
        self.root = self.frame()
        self.regions = self._regions()
        for region in self.regions:
            for va in range(region.start, region.end, region.page):
                self._map(region, va)
        self.accesses = self._accesses()
        self._write_program()

    def frame(self) -> int:
        """Return the physical address of a free frame."""
        return BASE + self.frames.pop() * 4096

    def _regions(self) -> tuple[Region, ...]:
        rng = self.rng
        gigas = rng.sample(range(1, 255), 3)
        places = rng.sample([(g, m) for g in gigas for m in rng.sample(range(512), 3)], 5)
        regions: list[Region] = []
        shapes = [("code", "r-x", 2), ("constants", "r--", 2), ("data", "rw-", 3),
                  ("stack", "rw-", 1)]  # fmt: skip
        for (giga, mega), (name, rights, count) in zip(places, shapes, strict=False):
            start = giga << 30 | mega << 21 | rng.randrange(500) << 12
            if name == "constants":  # one region ends where another begins
                start = regions[0].end
            regions.append(Region(name, start, start + count * 4096, rights))
        start = places[4][0] << 30 | places[4][1] << 21
        return (*regions, Region("heap", start, start + (1 << 21), "rw-", 1 << 21))

    def _map(self, region: Region, va: int) -> None:
        level = 1 if region.page > 4096 else 0
        address = pte_address(self._table(va, level), va, level)
        frame = HEAP_FRAME if level else self.frame()
        self.words[address] = frame >> 12 << 10 | meant(region)

    def _table(self, va: int, level: int) -> int:
        """Return the table that holds the PTE of `va` at `level`; made where it is missing."""
        if level == 2:
            return self.root
        key = level, va >> 12 + 9 * (level + 1)
        if key not in self.tables:
            above = pte_address(self._table(va, level + 1), va, level + 1)
            self.tables[key] = self.frame()
            self.words[above] = self.tables[key] >> 12 << 10 | pages.V
        return self.tables[key]

    def _accesses(self) -> list[tuple[int, str]]:
        """Return what the program does, in order: (va, kind); at least one access to each page."""
        accesses = []
        for region in self.regions[1:]:
            for va in range(region.start, region.end, region.page):
                kinds = [LOAD, STORE] if "w" in region.rights else [LOAD]
                kind = STORE if region.name == "stack" else self.rng.choice(kinds)
                inside = 8 * self.rng.randrange(1, region.page // 8)
                accesses.append((va if va == self.regions[0].end else va + inside, kind))
        accesses.append((self.regions[0].start + 4096, FETCH))
        self.rng.shuffle(accesses)
        return [(self.regions[0].start, FETCH), *accesses]

    def _write_program(self) -> None:
        code = self.regions[0]
        lines = []
        for va, kind in self.accesses[1:]:
            use = {LOAD: "ld t1, 0(t0)", STORE: "sd t1, 0(t0)", FETCH: "jalr t0"}[kind]
            lines += [f"li t0, {va:#x}", use]
        source = "\n".join([*lines, "ecall", ".balign 4096", "ret"])
        data = assemble(source, code.start).data
        for page in range(0, len(data), 4096):
            self.contents[self._physical(code.start + page)] = data[page : page + 4096]

    def _physical(self, va: int) -> int:
        level_0 = self.words[pte_address(self.tables[0, va >> 21], va, 0)]
        return pages.target(level_0)

    def image(self, words: dict[int, int]) -> bytes:
        """Return the guest as a flat image with these page tables."""
        satp = SV39 | self.root >> 12
        entry = self.regions[0].start
        start = assemble(START.format(satp=satp, entry=entry, report=REPORT), BASE).data
        image = bytearray(256 * 4096)
        image[: len(start)] = start
        for address, content in self.contents.items():
            image[address - BASE : address - BASE + len(content)] = content
        for address, word in words.items():
            image[address - BASE : address - BASE + 8] = word.to_bytes(8, "little")
        return bytes(image)

    def first_fault(self, words: dict[int, int]) -> tuple[int, str, pages.Walk] | None:
        """Return the first access of the program that faults under these tables."""
        regime = Regime(SV39 | self.root >> 12, 0)
        for va, kind in self.accesses:
            walk = pages.walk(lambda pa: words.get(pa, 0), regime, va, kind)
            if walk.cause is not None:
                return va, kind, walk
        return None

    def plant(self, bit: int, leaf: bool) -> Guest:
        """Return a guest with this bit wrong in a leaf or a pointer that its program runs into."""
        regime = Regime(SV39 | self.root >> 12, 0)
        while True:
            va, access = self.rng.choice(self.accesses)
            if leaf and bit in (1, 3):  # at the very beginning of a region
                va = self.regions[1 if bit == 1 else 0].start
                access = LOAD if bit == 1 else FETCH
            steps = pages.walk(lambda pa: self.words.get(pa, 0), regime, va, access).steps
            step = self.rng.choice(steps)
            if pages.leaf(step.pte) != leaf or not harms(bit, step, access):
                continue
            words = self.words | {step.address: step.pte ^ 1 << bit}
            found = self.first_fault(words)
            if found is not None and step.address in [s.address for s in found[2].steps]:
                return Guest(self.image(words), SV39 | self.root >> 12, self.regions,
                             step.address, bit)  # fmt: skip


def pte_address(table: int, va: int, level: int) -> int:
    """Return the physical address of the PTE of `va` in a table of this level."""
    return table + (va >> 12 + 9 * level & 511) * 8


def meant(region: Region) -> int:
    """Return the flags that the kernel means a leaf of this region to have."""
    flags = pages.V | pages.U | pages.A
    for letter, flag in zip("rwx", (pages.R, pages.W, pages.X), strict=True):
        if letter in region.rights:
            flags |= flag
    return flags | (pages.D if "w" in region.rights else 0)


# Each kind of fault, with its edges: (bit, whether in a leaf).
PLANTED = (
    (0, True), (0, False),  # V
    (1, True), (2, True), (3, True), (4, True), (6, True), (7, True),  # R W X U A D
    (1, False), (2, False), (3, False), (4, False), (6, False), (7, False),  # a pointer has none
    (10, True), (18, True),  # a superpage that is not aligned
    (54, True), (63, True), (54, False), (63, False),  # reserved
)  # fmt: skip


def harms(bit: int, step: pages.Step, access: str) -> bool:
    """Tell if this access runs into this bit of a PTE, wrong."""
    if pages.leaf(step.pte):
        needs = {1: LOAD, 2: STORE, 3: FETCH, 7: STORE}
        if bit == 63 and step.pte & pages.D:
            return False  # on a page that is only read, where D is not meant
        return needs.get(bit, access) == access and (not 10 <= bit < 54 or step.level > 0)
    return True


def make(rng: Random) -> list[Guest]:
    """Return a guest for each fault, in any order."""
    return [Kernel(rng).plant(*fault) for fault in rng.sample(PLANTED, len(PLANTED))]


def call(guest: Guest) -> list[Any]:
    """Return what find_fault gets; memory as its words that are not 0."""
    values = memoryview(guest.image).cast("Q")
    words = [[BASE + 8 * n, value] for n, value in enumerate(values) if value]
    regions = [[r.name, r.start, r.end, r.rights, r.page] for r in guest.regions]
    return [words, BASE, RAM, guest.satp, guest.va, guest.cause, regions]


def explain(got: list[int] | None, guest: Guest) -> Verdict:
    """Say which PTE of the walk was named, or why it is none of them."""
    address, bit = got or [0, 0]
    regime = Regime(guest.satp, 0)
    steps = pages.walk(guest.read_u64, regime, guest.va, ACCESS_OF[guest.cause]).steps
    right = next(step for step in steps if step.address == guest.pte_address)
    read = ", ".join(f"{step.address:#x} (level {step.level})" for step in steps)
    facts = {"address": address, "bit": bit, "read": read, "level": right.level,
              "pte": right.pte}  # fmt: skip
    if got is None:
        kind = say("01.3", kind_of(guest.bit, pages.leaf(right.pte ^ 1 << guest.bit)))
        return wrong("nothing", kind=kind, **facts)
    if address == right.address:
        if bit == 1 << guest.bit:
            return wrong("mask", **facts)
        if bit == guest.bit + 1:
            return wrong("from_one", **facts)
        return wrong("other_bit", name=bit_name(bit), **facts)
    if address >> 12 == guest.va >> 12:
        return wrong("virtual", **facts)
    if address < 512:
        return wrong("index", **facts)
    if address == right.address >> 12 << 12:
        return wrong("table", **facts)
    for step in steps:
        if step.address == address:
            return wrong("other_level", said=step.level, said_pte=step.pte, **facts)
    return wrong("not_read", **facts)


def kind_of(bit: int, leaf: bool) -> str:
    """Return the key of the words for what kind of bit of a PTE is wrong."""
    if bit == 0 or bit >= 54:
        return "kind_reserved" if bit else "kind_valid"
    if not leaf:
        return "kind_pointer"
    return {4: "kind_user", 6: "kind_mark", 7: "kind_mark"}.get(
        bit, "kind_right" if bit < 4 else "kind_place")


def bit_name(bit: int) -> str:
    """Return what bit number `bit` of a PTE is called."""
    if 0 <= bit < 8:
        return pages.BIT_NAMES[bit]
    if 10 <= bit < 54:
        return "PPN"
    return "reserved" if 54 <= bit < 64 else "for software" if bit in (8, 9) else "no bit"


EXERCISE = Exercise(
    id="01.3", minutes=40, difficulty=3, points=4, make=make,
    form=Cases(
        call=call,
        right=lambda guest: [guest.pte_address, guest.bit],
        shape=Maybe([int, int]),  # None is no answer either, but says where to look
        mistakes={"mask": lambda guest: [guest.pte_address, 1 << guest.bit],
                  "from_one": lambda guest: [guest.pte_address, guest.bit + 1]},
        facts=lambda guest: {"va": guest.va, "cause": guest.cause,
                             "cause_name": pages.CAUSE_NAMES[guest.cause]},
        explain=explain,
    ),
    play=lambda guests: guests[0],
)  # fmt: skip
