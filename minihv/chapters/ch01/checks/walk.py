"""Exercise 01.2: the Sv39 walk in Python, judged against the machine's own walker.

A seed makes a memory full of page tables and about a hundred accesses, each of which turns on one
rule of the walk. The machine answers all of them; so must the learner's function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from minihv.chapters.ch01 import pages
from minihv.chapters.ch01.beside.memory import reader
from minihv.chapters.ch01.pages import FETCH, LOAD, STORE, Regime
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.course.texts import say
from minihv.hw import mmu, state
from minihv.hw.bits import MASK64, i64
from minihv.hw.hart import Hart
from minihv.hw.memory import Memory

BASE, PAGES = 0x80000000, 256
SIZE = PAGES * 4096
SV39 = 8 << 60
MACHINE_ACCESS = {LOAD: state.READ, STORE: state.WRITE, FETCH: state.FETCH}
MODES = {0: "U-mode", 1: "S-mode", 3: "M-mode"}


@dataclass(frozen=True)
class Case:
    """One access, the rule that it turns on, and what the machine answers: ("pa", address) or
    ("fault", cause)."""

    rule: str
    regime: Regime
    va: int
    access: str
    answer: tuple[str, int] = ("", 0)
    steps: tuple[pages.Step, ...] = ()  # the PTEs that its walk reads

    def __str__(self) -> str:
        return say("01.2", "asked", **_asked(self))


@dataclass(frozen=True)
class Tables:
    """A memory of page tables (`words` by physical address) and the accesses to try."""

    words: dict[int, int]
    cases: tuple[Case, ...]

    def read_u64(self, address: int) -> int | None:
        """Read memory as the learner's function does."""
        return reader(self.words, BASE, SIZE)(address)


@dataclass(frozen=True)
class Row:
    """How to make a case: the leaf's flags and levels, who asks, and what is done to the tables.

    `sum` and `mxr` are None if they must not matter: then the row's two cases have each value.
    """

    rule: str
    access: str
    priv: int
    flags: str
    levels: tuple[int, ...] = (0, 1, 2)
    sum: bool | None = None
    mxr: bool | None = None
    twist: str = ""


ROWS = (
    Row("plain", LOAD, 0, "vruad", (0,)),
    Row("plain", STORE, 0, "vrwuad", (0,)),
    Row("plain", FETCH, 1, "vxad", (0,)),
    Row("plain", STORE, 1, "vrwad", (0,), twist="high"),
    Row("superpage", LOAD, 0, "vruad", (1,)),
    Row("superpage", STORE, 1, "vrwad", (2,)),
    Row("upper", LOAD, 1, "vrwad", twist="upper"),
    Row("upper", LOAD, 1, "vrwad", (2,), twist="lowest"),
    Row("ignored", LOAD, 1, "vrgad", twist="software"),
    Row("bare", LOAD, 1, "", twist="bare"),
    Row("machine", STORE, 3, "", twist="machine"),
    Row("valid", LOAD, 1, "rwad"),
    Row("valid", FETCH, 0, "rxuad"),
    Row("valid", STORE, 1, "vrwad", (0, 1), twist="pointer_valid"),
    Row("canonical", LOAD, 1, "vrwad", twist="canonical"),
    Row("canonical", FETCH, 1, "vrwxad", twist="canonical"),
    Row("canonical", LOAD, 1, "vrwad", (2,), twist="sign"),
    Row("read", LOAD, 1, "vxad", mxr=False),
    Row("write", STORE, 0, "vruad"),
    Row("write", STORE, 1, "vxad", mxr=True),
    Row("execute", FETCH, 1, "vrwad"),
    Row("mxr", LOAD, 1, "vxad", mxr=True),
    Row("mxr", LOAD, 0, "vxuad", mxr=True),
    Row("user", LOAD, 0, "vrwxad"),
    Row("user", FETCH, 0, "vrxad"),
    Row("no_sum", LOAD, 1, "vrwuad", sum=False),
    Row("no_sum", STORE, 1, "vrwuad", sum=False),
    Row("sum", LOAD, 1, "vruad", sum=True),
    Row("sum", STORE, 1, "vrwuad", sum=True),
    Row("sum_fetch", FETCH, 1, "vrxuad", sum=True),
    Row("accessed", LOAD, 1, "vrwd"),
    Row("accessed", FETCH, 0, "vxud"),
    Row("dirty", STORE, 1, "vrwa"),
    Row("clean", LOAD, 1, "vrwa"),
    Row("misaligned", LOAD, 1, "vrwad", (1, 2), twist="misaligned"),
    Row("misaligned", STORE, 0, "vrwuad", (1, 2), twist="misaligned"),
    Row("write_only", LOAD, 1, "vwxad"),
    Row("write_only", STORE, 0, "vwuad"),
    Row("reserved", LOAD, 1, "vrwad", twist="reserved"),
    Row("reserved", FETCH, 1, "vxad", (0, 1), twist="pointer_reserved"),
    Row("pointer_bits", LOAD, 1, "vrwad", (0, 1), twist="pointer_user"),
    Row("pointer_bits", LOAD, 1, "vrwad", (0, 1), twist="pointer_accessed"),
    Row("pointer_bits", LOAD, 1, "vrwad", (0, 1), twist="pointer_dirty"),
    Row("depth", LOAD, 1, "v", (0,)),
    Row("outside", LOAD, 1, "vrwad", (0, 1), twist="outside"),
    Row("outside", STORE, 0, "vrwuad", (0, 1), twist="outside"),
    Row("outside", FETCH, 1, "vxad", (0, 1), twist="outside"),
)


class Builder:
    """Makes the tables of one instance; every case has a root slot of its own."""

    def __init__(self, rng: Random):
        self.rng = rng
        self.frames = list(range(PAGES))
        rng.shuffle(self.frames)
        self.words: dict[int, int] = {}
        odd = next(n for n in self.frames if n & 1)  # a root of which each bit counts
        self.frames.append(self.frames.pop(self.frames.index(odd)))
        self.root = self.frame()
        self.slots = {False: rng.sample(range(256), 200), True: rng.sample(range(257, 512), 50)}

    def frame(self) -> int:
        """Return the physical address of a page that nothing uses yet."""
        return BASE + self.frames.pop() * 4096

    def case(self, row: Row, turn: int) -> Case:
        """Map one page for `row` and twist what it says; the case, without an answer.

        turn: 0 or 1, the row's first or second case; between them they have each edge surely.
        """
        rng = self.rng
        level = rng.choice(row.levels)
        edge = row.twist in ("lowest", "sign")  # bit 38 alone decides; the first of them, or any
        slot = 256 if edge else self.slots[row.twist == "upper"].pop()
        va = slot << 30 | (0 if edge and not turn else rng.randrange(1 << 30) & ~7)
        path = self.map(va, level, self.leaf(row, level))
        if row.twist in TWISTS:
            TWISTS[row.twist](self, path, turn)
        if row.twist == "canonical":
            va ^= 1 << (39, 63)[turn]
        elif row.twist in ("upper", "lowest"):
            va |= -1 << 39 & MASK64
        elif row.twist in ("bare", "machine"):
            va = rng.randrange(BASE, BASE + (1 << 30)) & ~7
        mode = 0 if row.twist == "bare" else SV39 | rng.randrange(1 << 16) << 44
        regime = Regime(
            mode | self.root >> 12, row.priv,
            bool(turn) if row.sum is None else row.sum,
            not turn if row.mxr is None else row.mxr,
        )  # fmt: skip
        return Case(row.rule, regime, va, row.access)

    def leaf(self, row: Row, level: int) -> int:
        """Return a PTE with the row's flags and a PPN that is aligned for its level."""
        ppn = self.rng.randrange(1 << 40) & -1 << 9 * level
        if level == 0 and row.flags == "v":  # a pointer where none may be
            ppn = self.frame() >> 12
        return ppn << 10 | sum(1 << pages.FLAGS.index(letter) for letter in row.flags)

    def map(self, va: int, level: int, pte: int) -> list[int]:
        """Put `pte` at `level`; the addresses of all PTEs on the way, the leaf's last."""
        table, path = self.root, []
        for at in (2, 1, 0):
            address = table + (va >> 12 + 9 * at & 511) * 8
            path.append(address)
            if at == level:
                self.words[address] = pte
                break
            table = self.frame()
            self.words[address] = table >> 12 << 10 | pages.V
        return path


Twist = Callable[[Builder, list[int], int], None]


def _flip(first: int, second: int, of_leaf: bool) -> Twist:
    """Return a twist: flip bit `first` of the leaf or of a pointer, in the other turn `second`."""

    def twist(builder: Builder, path: list[int], turn: int) -> None:
        address = path[-1] if of_leaf else builder.rng.choice(path[:-1])
        builder.words[address] ^= 1 << (second if turn else first)

    return twist


def _misalign(builder: Builder, path: list[int], turn: int) -> None:
    level = 3 - len(path)
    builder.words[path[-1]] |= 1 << (10 + 9 * level - 1 if turn else 10)


def _outside(builder: Builder, path: list[int], turn: int) -> None:
    far = builder.rng.randrange(1 << 18)  # a page below RAM
    builder.words[builder.rng.choice(path[:-1])] = far << 10 | pages.V


TWISTS: dict[str, Twist] = {
    "software": _flip(8, 9, True),
    "reserved": _flip(54, 63, True),
    "high": _flip(53, 53, True),
    "pointer_reserved": _flip(54, 63, False),
    "pointer_valid": _flip(0, 0, False),
    "misaligned": _misalign,
    **{f"pointer_{name}": _flip(bit, bit, False)
       for name, bit in (("user", 4), ("accessed", 6), ("dirty", 7))},
    "outside": _outside,
}


def make(rng: Random) -> Tables:
    """Tables with two cases of every row, answered by the machine."""
    builder = Builder(rng)
    cases = [builder.case(row, turn) for row in ROWS for turn in range(2)]
    memory = Memory(SIZE)
    for address, word in builder.words.items():
        memory.write(address, word.to_bytes(8, "little"))
    read_u64 = reader(builder.words, BASE, SIZE)
    return Tables(builder.words, tuple(
        replace(case, answer=machine_walk(memory, case),
                steps=pages.walk(read_u64, case.regime, case.va, case.access).steps)
        for case in cases))  # fmt: skip


def machine_walk(memory: Memory, case: Case) -> tuple[str, int]:
    """Return what a hart of the machine answers, with Svade: A and D are the kernel's to set."""
    hart = Hart(0, memory, "python")
    hart.own_machine_mode()
    s, regime = hart.s, case.regime
    s[state.SVADE] = 1
    s[state.SATP] = i64(regime.satp) if regime.satp >> 60 else 0
    s[state.MSTATUS] |= regime.sum * state.SUM | regime.mxr * state.MXR
    hart.priv = regime.priv
    pa = mmu.locate(s, *memory.views.for_walks, i64(case.va), 8, MACHINE_ACCESS[case.access])
    return ("fault", s[state.CAUSE]) if s[state.EXIT] else ("pa", pa & MASK64)


def explain(got: Any, case: Case) -> Verdict:
    """Say by the rule that a case turns on what its walk reads last."""
    return wrong(case.rule, expected=_said(case.answer), got=_said(got), **describe(case))


def _said(answer: Any) -> str:
    kind, number = answer
    if kind == "pa":
        return f"pa {number:#x}"
    return f"fault {number} ({pages.CAUSE_NAMES.get(number, '?')})"


def _asked(case: Case) -> dict[str, Any]:
    regime = case.regime
    return {"access": case.access, "va": case.va, "mode": MODES[regime.priv],
            "sum": int(regime.sum), "mxr": int(regime.mxr), "satp": regime.satp}  # fmt: skip


def describe(case: Case) -> dict[str, Any]:
    """Return what to say about a case: the access, and the last PTE that its walk reads."""
    last = case.steps[-1] if case.steps else pages.Step(-1, 0, 0)
    bits = "".join(name if last.pte >> n & 1 else "-" for n, name in enumerate(pages.BIT_NAMES))
    facts = _asked(case) | {"level": last.level, "address": last.address, "pte": last.pte,
                            "bits": bits[::-1], "ppn": last.pte >> 10 & (1 << 44) - 1}
    facts["read"] = say("01.2", "read_last" if case.steps else "read_nothing", **facts)
    return facts


def call(case: Case) -> list[Any]:
    """Return what walk gets after read_u64."""
    regime = case.regime
    return [regime.satp, case.va, case.access, regime.priv, regime.sum, regime.mxr]


EXERCISE = Exercise(
    id="01.2", minutes=45, difficulty=3, points=5, make=make,
    form=Cases(
        of=lambda tables: tables.cases,
        world=lambda tables: {"words": [*tables.words.items()], "base": BASE, "size": SIZE},
        call=call,
        right=lambda case: [*case.answer],
        shape=[("pa", "fault"), int],
        facts=lambda case: {"asked": str(case)},
        explain=explain,
    ),
    counterpart=lambda: mmu.walk,
)  # fmt: skip
