"""Random page tables with leaves of all sizes, and fences that are no larger than they must be.

Two address spaces, in each of which a region is mapped by one PTE of 1 GiB, or of 2 MiB, or by
pages of 4 KiB. Programs change these PTEs at random, fence what they changed and nothing more
(Privileged ISA 20240411, section 10.2.1), and load and store. What each access must do is said by
a model of ten lines; bare and in all modes it has to happen.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from minihv.asm import assemble
from minihv.devices.virt import Machine
from minihv.vmm import VM
from minihv.vmm.holders import Holders
from minihv.vmm.shadow import ShadowPaging
from minihv.vmm.shadowtable import ShadowTable
from tests.tiers import count
from tests.vmm.modes import MODES

SIZE, RAM = 16 << 20, 0x80000000
LOG = RAM + 0xF00000
TABLES = RAM + 0x100000  # of each space: root, middle, leaf, 4 KiB each
REGION = 0x40000000
PART = REGION + 0x200000  # the 2 MiB that may be mapped by smaller pages
# Addresses that are tried; the last two are there only while one PTE maps the gigabyte.
PROBES = [PART, PART + 0x7F8, PART + 0x1000, PART + 0x1FFF00, REGION + 0x400000, REGION + 0x600018]
LARGE = [RAM + 0x400000, RAM + 0x600000]  # what a 2 MiB page may be
SMALL = [RAM + 0x800000 + 0x1000 * n for n in range(4)]
READ_ONLY, WRITABLE = 0xC3, 0xC7  # V R (W) A D
GONE, POINTER = 0, 1
OF_A_PAGE = ["sfence.vma t0, t1", "sfence.vma t0, t1", "sfence.vma t0",
             "sfence.w.inval\nsinval.vma t0, t1\nsfence.inval.ir"]  # fmt: skip
OF_A_SPACE = ["sfence.vma x0, t1", "sfence.vma x0, t1", "sfence.vma"]


class Space:
    """One address space as the model knows it: (kind or flags, target) of its PTEs."""

    def __init__(self, asid: int):
        self.asid = asid
        self.root, self.middle, self.leaf = (TABLES + 0x10000 * asid + 0x1000 * n for n in range(3))
        self.giga = self.mega = (GONE, 0)
        self.pages = [(GONE, 0)] * 2
        self.satp = 8 << 60 | asid << 44 | self.root >> 12

    def find(self, gva: int) -> tuple[int, int] | None:
        """Return (flags, pa) of what maps gva, None if nothing does."""
        flags, target = self.giga
        if flags != POINTER:
            return (flags, target + gva - REGION) if flags else None
        flags, target = self.mega if gva & -0x200000 == PART else (GONE, 0)
        if flags != POINTER:
            return (flags, target + gva - PART) if flags else None
        n = gva - PART >> 12
        flags, target = self.pages[n] if n < 2 else (GONE, 0)
        return (flags, target + (gva & 0xFFF)) if flags else None


class Program:
    """A random program, and what its accesses have to give: (a0, scause, stval) each."""

    def __init__(self, seed: int, length: int = 80):
        self.rng = random.Random(seed)
        self.lines: list[str] = []
        self.spaces = [Space(1), Space(2)]
        self.ram: dict[int, int] = {}
        self.expected: list[tuple[int, int, int]] = []
        self.switch()
        while len(self.expected) < length:
            self.rng.choices((self.access, self.change, self.switch), (6, 3, 1))[0]()

    def switch(self) -> None:
        self.now = self.rng.choice(self.spaces)
        self.lines.append(f"li t0, {self.now.satp:#x}\ncsrw satp, t0")

    def access(self) -> None:
        gva, store, value = self.rng.choice(PROBES), self.rng.random() < 0.4, len(self.expected) + 1
        self.lines.append(f"li t0, {gva:#x}\nli a0, {value if store else 0}\n"
                          f"{'sd' if store else 'ld'} a0, (t0)\njal note")  # fmt: skip
        found = self.now.find(gva)
        if found is None or (store and found[0] == READ_ONLY):
            self.expected.append((value if store else 0, 15 if store else 13, gva))
            return
        if store:
            self.ram[found[1]] = value
        self.expected.append((value if store else self.ram.get(found[1], 0), 0, 0))

    def change(self) -> None:
        """Write one PTE, and fence what that made stale."""
        rng, space = self.rng, self.rng.choice(self.spaces)
        flags = rng.choice((READ_ONLY, WRITABLE, WRITABLE))
        level = rng.choice((2, 2, 1, 1, 0))
        if level == 2:
            old, at, size, base = space.giga, space.root + 8, 1 << 30, REGION
            new = space.giga = rng.choice([(GONE, 0), (flags, RAM), (POINTER, space.middle)])
        elif level == 1:
            old, at, size, base = space.mega, space.middle + 8, 1 << 21, PART
            leaf = flags, rng.choice(LARGE)
            new = space.mega = rng.choice([(GONE, 0), leaf, leaf, (POINTER, space.leaf)])
        else:
            n = rng.randrange(2)
            old, at, size, base = space.pages[n], space.leaf + 8 * n, 1 << 12, PART + 0x1000 * n
            new = space.pages[n] = rng.choice([(GONE, 0), (flags, rng.choice(SMALL))])
        pte = new[1] >> 12 << 10 | new[0] if new[0] else 0
        self.lines.append(f"li t0, {at:#x}\nli t1, {pte:#x}\nsd t1, (t0)")
        anywhere = base + rng.randrange(size)
        self.lines.append(f"li t0, {anywhere:#x}\nli t1, {space.asid}")
        # With an address, a fence is about leaves alone.
        small = POINTER not in (old[0], new[0]) and rng.random() < 0.8
        self.lines.append(rng.choice(OF_A_PAGE if small else OF_A_SPACE))

    def image(self) -> bytes:
        """Return the program; its own gigabyte is mapped one to one in both spaces."""
        own = "\n".join(f"li t0, {space.root + 16:#x}\nsd t1, (t0)" for space in self.spaces)
        return assemble(f"""
            la t0, handler
            csrw stvec, t0
            li s0, {LOG:#x}
            li s3, 0
            li s4, 0
            li t1, {RAM >> 12 << 10 | 0xCF:#x}
            {own}
            {chr(10).join(self.lines)}
            csrw satp, x0
            li t0, 0x100000
            li t1, 0x5555
            sw t1, (t0)
            j .
        note:
            sd a0, 0(s0)
            sd s3, 8(s0)
            sd s4, 16(s0)
            addi s0, s0, 24
            li s3, 0
            li s4, 0
            ret
            .balign 4
        handler:
            csrr s3, scause
            csrr s4, stval
            csrr t6, sepc
            addi t6, t6, 4
            csrw sepc, t6
            sret
        """, RAM).elf()  # fmt: skip

    def differences(self, machine: Machine) -> list[str]:
        """Run on `machine`; return where it did otherwise than the model says."""
        machine.load(self.image(), "s")
        end = machine.run(200_000)
        assert end.reason == "exit", end
        wrong = []
        for n, expected in enumerate(self.expected):
            data = machine.memory.read(LOG + 24 * n, 24)
            found = tuple(int.from_bytes(data[k : k + 8], "little") for k in (0, 8, 16))
            if found != expected:
                wrong.append(f"access {n}: {found}, not {expected}")
        return wrong


MACHINES: dict[str, Callable[[], Machine]] = {
    "bare": lambda: Machine(SIZE),
    "bare, python": lambda: Machine(SIZE, engine="python"),
    **{mode: lambda layers=layers: VM(memory=SIZE, **layers()) for mode, layers in MODES.items()},
}  # fmt: skip
SEEDS = range(count(4, 30, 3000))


@pytest.mark.parametrize("mode", MACHINES)
def test_as_the_model_says(mode: str):
    for seed in SEEDS:
        assert Program(seed).differences(MACHINES[mode]()) == [], f"seed {seed}"


def test_every_kind_of_access_occurs():
    causes = {cause for seed in SEEDS for _, cause, _ in Program(seed).expected}
    assert causes == {0, 13, 15}


# --- planted faults ---------------------------------------------------------------------------


def noted_small(self: Any, key: Any, gva: int, level: int, add: Any = Holders.add) -> None:
    add(self, key, gva, 0)


def one_leaf_only(self: Any, gva: int, level: int) -> list[int]:
    return self._drop_leaf((gva & (1 << 39) - 1) >> 21)


def own_space_only(self: Any, gva: int, asid: int | None = None,
                   fence: Any = ShadowPaging.fence_page) -> None:  # fmt: skip
    fence(self, gva, self.key[0] >> 44 & 0xFFFF if self.key else 0)


@pytest.mark.parametrize(("place", "name", "fault"), [
    (Holders, "add", noted_small), (ShadowTable, "drop", one_leaf_only),
    (ShadowPaging, "fence_page", own_space_only), (ShadowPaging, "fence", lambda *_: None),
])  # fmt: skip
def test_a_fence_that_forgets_too_little_is_noticed(
    monkeypatch: pytest.MonkeyPatch, place: type, name: str, fault: Any
):
    monkeypatch.setattr(place, name, fault)
    assert any(Program(seed).differences(VM(memory=SIZE)) for seed in range(30))
