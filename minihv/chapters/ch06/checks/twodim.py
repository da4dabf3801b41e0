"""Exercise 06.1: the two-dimensional walk with rights, judged against the machine's own.

A seed makes a guest's tables and a G-stage, and accesses each of which turns on one rule. All of
them have a root slot of their own; what is spoiled for one is seen by no other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from minihv.chapters.ch01 import pages
from minihv.chapters.ch01.beside.memory import reader
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, wrong
from minihv.course.texts import say
from minihv.hw import mmu
from minihv.hw import state as st
from minihv.hw.bits import MASK64, i64
from minihv.hw.hart import Hart
from minihv.hw.memory import Memory

BASE, PAGES = st.RAM_BASE, 2048
SIZE = PAGES * 4096
SV39 = 8 << 60
ACCESSES = {pages.LOAD: st.READ, pages.STORE: st.WRITE, pages.FETCH: st.FETCH}
FULL = "vrwxuad"
MODES = {0: "VU", 1: "VS"}

Answer = tuple[str, int]


@dataclass(frozen=True)
class Row:
    """One rule: the access and mode, the guest's leaf, the G-stage's leaf for the page, and for
    the guest's PTEs, as flags; or a twist."""

    rule: str
    access: str = pages.LOAD
    priv: int = 1
    guest: str = "vrwxad"
    page: str = FULL
    table: str = FULL  # of the G-stage's leaf for one of the guest's tables
    level: int = 0  # of the guest's leaf
    twist: str = ""


ROWS = (
    Row("plain"), Row("plain", pages.STORE), Row("plain", pages.FETCH, 0, "vxua"),
    Row("superpage", level=1), Row("superpage", pages.STORE, level=2),
    Row("superpage", pages.FETCH, guest="vxad", level=1), Row("upper", twist="upper"),
    Row("large", twist="large"), Row("large", pages.STORE, level=1, twist="large"),
    Row("large", pages.FETCH, page="vxuad", twist="large"), Row("far", twist="far"),
    Row("invalid", guest="rwxad"), Row("invalid", twist="pointer"),
    Row("user", priv=0), Row("user", pages.FETCH, guest="vrxua"),
    Row("right", pages.STORE, guest="vrxad"), Row("right", pages.FETCH, guest="vrwad"),
    Row("right", guest="vxad"),
    Row("accessed", guest="vrwxd"), Row("dirty", pages.STORE, guest="vrwxa"),
    Row("g_invalid", page="rwxuad"), Row("g_invalid", pages.FETCH, page="0"),
    Row("g_user", page="vrwxad"), Row("g_user", pages.STORE, page="vrwad"),
    Row("g_right", pages.STORE, page="vrxuad"), Row("g_right", pages.FETCH, page="vrwuad"),
    Row("g_right", page="vxuad"),
    Row("g_accessed", page="vrwxud"), Row("g_dirty", pages.STORE, page="vrwxua"),
    Row("t_invalid", table="0"), Row("t_invalid", pages.STORE, table="rwuad"),
    Row("t_right", pages.FETCH, table="vxuad"), Row("t_right", table="vxuad"),
    Row("t_reads", pages.STORE, table="vrua"), Row("t_reads", pages.FETCH, table="vrua"),
    Row("t_user", table="vrwxad"), Row("t_accessed", table="vrwxud"),
    Row("bare_first", twist="no_vsatp"), Row("bare_second", twist="no_hgatp"),
    Row("canonical", twist="canonical"), Row("canonical", twist="sign"), Row("wide", twist="wide"),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One access and the machine's answer: ("hpa", a), ("page fault", gva) or
    ("guest-page fault", gpa)."""

    rule: str
    vsatp: int
    hgatp: int
    gva: int
    access: str
    priv: int
    answer: Answer = ("", 0)

    def __str__(self) -> str:
        return say("06.1", "asked", **_asked(self))


@dataclass(frozen=True)
class World:
    """Memory as words by host-physical address, and the accesses."""

    words: dict[int, int]
    cases: tuple[Case, ...]

    def read_u64(self, address: int) -> int | None:
        """Read memory as the learner's function does: by hpa, None outside RAM."""
        return reader(self.words, BASE, SIZE)(address)


def bits(flags: str) -> int:
    """Flags as letters, or "0" for none."""
    return sum(1 << pages.FLAGS.index(letter) for letter in flags if letter != "0")


class Builder:
    """Lays tables out; each guest page has an hpa of its own."""

    def __init__(self, rng: Random):
        self.rng = rng
        self.words: dict[int, int] = {}
        frames = list(range(512, PAGES))
        rng.shuffle(frames)
        self.frames = [BASE + n * 4096 for n in frames]  # hpas
        self.gpas = [0x1_0000_0000 + n * 4096 for n in rng.sample(range(1 << 16), 1500)]
        odd = next(gpa for gpa in self.gpas if gpa & 4096)  # for the root: each bit of it counts
        self.gpas.append(self.gpas.pop(self.gpas.index(odd)))
        self.plain = iter(range(BASE, BASE + 512 * 4096, 4096))  # tables of the G-stage
        self.g_root = next(self.plain)
        for _ in range(4):  # the root has four pages; what comes after them is a trap
            next(self.plain)
        self.places: dict[int, int] = {}
        self.large = 1 << 30  # gpas of 2 MiB pages
        self.root = self.guest_page(FULL)
        self.slots = rng.sample(range(256), 200)
        self.upper = rng.sample(range(256, 512), 8)
        # The bits that decide: each edge surely, whatever the seed.
        self.flips = iter((39, 63))
        self.far = iter((39, 40))
        self.wide = iter((41, 55))

    def second(self, gpa: int, hpa: int, flags: str, level: int = 0) -> None:
        """Map a gpa in the G-stage."""
        table, index = self.g_root, gpa >> 30
        for at in range(2, level, -1):
            place = table + 8 * index
            if place not in self.words:
                self.words[place] = next(self.plain) >> 12 << 10 | pages.V
            table = pages.target(self.words[place])
            index = gpa >> 12 + 9 * (at - 1) & 511
        self.words[table + 8 * index] = hpa >> 12 << 10 | bits(flags)

    def guest_page(self, flags: str) -> int:
        """Return the gpa of a fresh page of the guest, which the G-stage maps with these flags."""
        gpa, hpa = self.gpas.pop(), self.frames.pop()
        self.second(gpa, hpa, flags)
        self.places[gpa] = hpa
        return gpa

    def case(self, row: Row) -> Case:
        """Return one access for a row."""
        rng = self.rng
        slots = self.upper if row.twist in ("upper", "sign") else self.slots
        gva = slots.pop() << 30 | rng.randrange(1 << 30) & ~7 | (row.twist == "large") << 20
        target = self.target(row, gva)
        table, spoiled = self.root, rng.randrange(1, 3 - row.level) if row.level < 2 else 0
        for level in range(2, row.level, -1):
            index = gva >> 12 + 9 * level & 511
            fresh = self.guest_page(row.table if 2 - level + 1 == spoiled else FULL)
            flags = "u" if row.twist == "pointer" and level == 2 else "v"
            self.words[self.places[table] + 8 * index] = fresh >> 12 << 10 | bits(flags)
            table = fresh
        index = gva >> 12 + 9 * row.level & 511
        leaf = target >> 12 << 10 | bits(row.guest)
        self.words[self.places[table] + 8 * index] = leaf
        vsatp, hgatp = SV39 | self.root >> 12, SV39 | self.g_root >> 12
        if row.twist == "no_vsatp":
            vsatp, gva = 0, self.guest_page(FULL) | 8 * rng.randrange(512)
        elif row.twist == "no_hgatp":  # then the guest's addresses are the machine's
            vsatp, hgatp = 0, 0
            gva = BASE + 8 * rng.randrange(PAGES * 512)
        elif row.twist == "canonical":
            gva ^= 1 << next(self.flips)
        elif row.twist == "upper":
            gva |= -1 << 39 & MASK64
        return Case(row.rule, vsatp, hgatp, gva, row.access, row.priv)

    def target(self, row: Row, gva: int) -> int:
        """Return the gpa that the guest's leaf names."""
        if row.twist == "wide":
            gpa = 1 << next(self.wide) | self.guest_page(FULL)
            if gpa >> 41 == 1:  # an index of 12 bits finds a gigabyte there
                self.words[self.g_root + 8 * (gpa >> 30)] = BASE >> 12 << 10 | bits(FULL)
            return gpa
        if row.twist == "far":
            gpa = 1 << next(self.far) | self.gpas.pop()
            self.second(gpa, self.frames.pop(), row.page)
            return gpa
        if row.twist == "large" or row.level:  # an aligned stretch of gpas
            size = 1 << 12 + 9 * row.level
            self.large = (self.large + (1 << 21) + size - 1) // size * size + size
            gpa = self.large
            inside = gva & size - 1
            if row.twist == "large":
                gpa += 0 if row.level else 1 << 20 | 4096 * self.rng.randrange(256)
                self.second(gpa + inside & -1 << 21, BASE, row.page, 1)
            else:
                self.second(gpa + inside & -4096, self.frames.pop(), row.page)
            return gpa
        return self.guest_page(row.page)


def make(rng: Random) -> World:
    """Return two cases of every row, answered by the machine."""
    builder = Builder(rng)
    cases = [builder.case(row) for row in ROWS * 2]
    memory = Memory(SIZE)
    for address, word in builder.words.items():
        memory.write(address, word.to_bytes(8, "little"))
    answered = [replace(case, answer=machine(memory, case)) for case in cases]
    return World(builder.words, tuple(answered))


def machine(memory: Memory, case: Case) -> Answer:
    """Return what a hart answers whose A and D bits are software's (Svade)."""
    hart = Hart(0, memory, "python", hypervisor=True)
    hart.own_machine_mode()
    s = hart.s
    s[st.SVADE] = s[st.VIRT] = 1
    s[st.VSATP], s[st.HGATP] = i64(case.vsatp), i64(case.hgatp)
    hart.priv = case.priv
    hart.flush()
    pa = mmu.locate(s, *memory.views.for_walks, i64(case.gva), 8, ACCESSES[case.access])
    if not s[st.EXIT]:
        return "hpa", pa & MASK64
    if s[st.CAUSE] in (20, 21, 23):
        return "guest-page fault", s[st.GPA] << 2 | case.gva & 3
    return "page fault", case.gva


def _said(answer: Any) -> str:
    return f"{answer[0]} {answer[1]:#x}"


def _asked(case: Case) -> dict[str, Any]:
    return {"access": case.access, "gva": case.gva, "mode": MODES[case.priv],
            "vsatp": case.vsatp, "hgatp": case.hgatp}  # fmt: skip


EXERCISE = Exercise(
    id="06.1", minutes=45, difficulty=3, points=5, make=make,
    form=Cases(
        of=lambda world: world.cases,
        world=lambda world: {"words": [*world.words.items()], "base": BASE, "size": SIZE},
        call=lambda case: [case.vsatp, case.hgatp, case.gva, case.access, case.priv],
        right=lambda case: [*case.answer],
        shape=[str, int],
        facts=lambda case: {"asked": str(case)},
        explain=lambda got, case: wrong(case.rule, expected=_said(case.answer), got=_said(got)),
    ),
    counterpart=lambda: mmu.walk_guest,
)  # fmt: skip
