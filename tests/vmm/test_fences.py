"""A fence of one address names the whole superpage that the address is in."""

import pytest

from minihv.asm import assemble
from minihv.devices.virt import Machine
from minihv.vmm import VM, shadow
from minihv.vmm.holders import Holders
from minihv.vmm.shadow import ShadowPaging
from tests.vmm.cases import case
from tests.vmm.modes import MODES

CASE = case("gigapage_fence")
LOADED, GONE, READ_ONLY = [0, 0x1234], [0x10D, 0], [0x10F, 7]  # scause + 256 if trapped, then a0


def reports(machine: Machine) -> list[list[int]]:
    """Run the case; return what it reports: (scause + 256 or 0, a0) each."""
    machine.load(CASE, "s")
    assert machine.run(1_000_000).reason == "exit"
    numbers = [int(line, 16) for line in machine.console.output.decode().split()]
    return [numbers[k : k + 2] for k in range(0, len(numbers), 2)]


def test_bare():
    assert reports(Machine(8 << 20)) == [LOADED, GONE, READ_ONLY]


@pytest.mark.parametrize("mode", MODES)
def test_as_on_the_bare_machine(mode: str):
    assert reports(VM(memory=8 << 20, **MODES[mode]())) == [LOADED, GONE, READ_ONLY]


def test_a_table_that_looks_at_2_mib_only_is_noticed(monkeypatch: pytest.MonkeyPatch):
    add = Holders.add
    monkeypatch.setattr(Holders, "add", lambda self, key, gva, level: add(self, key, gva, 0))
    assert reports(VM(memory=8 << 20, **MODES["trap, shadow"]())) != [LOADED, GONE, READ_ONLY]


# A kernel with 300 address spaces, a page of its own in each; then fences in a loop.
SPACES = """
    la t0, handler
    csrw stvec, t0
    li s2, 0x80100000
    li t1, 0x200000CF       # the first gigabyte of RAM, for all
    sd t1, 16(s2)
    li s3, 0x8000000000080100
    li s4, 300
    li s5, 0x80200000
each:
    slli t0, s4, 44
    or t0, t0, s3
    csrw satp, t0
    ld t1, (s5)
    addi s4, s4, -1
    bnez s4, each
    csrw satp, s3
    li s6, 999
    li s7, 0x0123456789000
again:
    {fence}
    addi s4, s4, 1
    li t0, 200
    bne s4, t0, again
    csrw satp, x0
    li t0, 0x100000
    li t1, 0x5555
    sw t1, (t0)
    .balign 4
handler: j handler
"""


class Watched(dict):
    """The tables by regime; counts those that are looked at."""

    looks = 0

    def __getitem__(self, key):
        self.looks += 1
        return super().__getitem__(key)

    def __iter__(self):
        for key in super().__iter__():
            self.looks += 1
            yield key

    def items(self):
        return [(key, self[key]) for key in self]


def looked_at(mode: str, fence: str) -> int:
    """Run SPACES with this fence in its loop, 200 times; return how many tables were looked at."""
    vm = VM(memory=8 << 20, **MODES[mode]())
    assert isinstance(vm.paging, ShadowPaging)
    tables = vm.paging.tables = Watched()
    vm.load(assemble(SPACES.format(fence=fence), vm.memory.base).elf(), "s")
    assert vm.run(100_000).reason == "exit"
    assert len(tables) > 200
    return tables.looks


# To map its pages at the beginning, a table each is looked at; so is one that loses something.
@pytest.mark.parametrize("mode", [mode for mode in MODES if "shadow" in mode])
@pytest.mark.parametrize(("fence", "most"), [
    ("sfence.vma s7", 0), ("sfence.vma s7, s6", 0), ("sfence.vma x0, s6", 0),  # nothing is there
    ("sfence.vma s5", 600 + 400), ("sfence.vma s5, x0\nld t0, (s5)", 600 + 400),
])  # fmt: skip
def test_a_fence_visits_only_what_it_drops(mode: str, fence: str, most: int):
    assert looked_at(mode, fence) <= looked_at(mode, "nop") + most


def every_table(self: ShadowPaging, gva: int, asid: int | None = None) -> None:
    for key, table in self.tables.items():
        if key[0] and (asid is None or key[0] >> 44 & 0xFFFF == asid):
            self._drop_part(table, gva, 2)


def every_key(self: ShadowPaging, asid: int | None = None) -> None:
    for key in list(self.tables):
        if asid is None or (key[0] and key[0] >> 44 & 0xFFFF == asid):
            self._drop_table(key)


@pytest.mark.parametrize(("name", "fault", "fence"), [
    ("fence_page", every_table, "sfence.vma s7"), ("fence", every_key, "sfence.vma x0, s6"),
])  # fmt: skip
def test_a_fence_that_looks_at_every_table_is_noticed(monkeypatch, name, fault, fence):
    monkeypatch.setattr(ShadowPaging, name, fault)
    assert looked_at("trap, shadow", fence) > looked_at("trap, shadow", "nop") + 10_000


def test_what_a_table_holds_goes_with_it():
    paging = VM(memory=8 << 20).paging
    assert isinstance(paging, ShadowPaging)
    holders = paging.holders
    one, other = (1 << 44, 1, 0, False, 0), (2 << 44, 1, 0, False, 0)
    for key in one, other, one:
        holders.add(key, 0x40000000, 2)
        holders.add(key, 0x40201000, 0)
    assert holders.notes == 4
    assert list(holders.take(0x40300000, 1)) == [(one, 2)]
    assert sorted(holders.take(0x40201000, None)) == [(one, 0), (other, 0), (other, 2)]
    assert holders.notes == 0 and holders._pages == {}
    holders.add(one, 0, 0)
    assert holders.of_space(1) == [one] and holders.of_space(3) == []
    holders.forget(one)
    holders.forget(other)
    assert holders.notes == 0 and holders._pages == holders._tables == {}


def test_notes_have_a_limit(monkeypatch: pytest.MonkeyPatch):
    """A guest that touches ever more pages between fences loses tables, not its host's memory."""
    monkeypatch.setattr(shadow, "MOST_NOTES", 50)
    vm = VM(memory=8 << 20)
    vm.load(assemble(SPACES.format(fence="nop"), vm.memory.base).elf(), "s")
    assert vm.run(100_000).reason == "exit"
    assert isinstance(vm.paging, ShadowPaging)
    assert 0 < vm.paging.holders.notes <= 52 and vm.paging.evictions > 200
