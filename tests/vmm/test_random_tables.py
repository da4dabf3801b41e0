"""Random page tables, leaves of all sizes and the least of fences: stale translations show."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minihv.devices.virt import Machine
from minihv.hw import state, system
from minihv.hw.mmu import PTE_D
from minihv.vmm import VM, ShadowPaging, SyncedShadowPaging
from minihv.vmm.holders import Holders, space_of
from minihv.vmm.shadowtable import ShadowTable
from tests.hw.chaos import look_eagerly
from tests.tiers import count
from tests.vmm import tables
from tests.vmm.central import Outcome, finish
from tests.vmm.modes import MODES
from tests.vmm.tables import LOG, MEMORY, RAM, Guest

BUDGET = 100_000  # instructions; a guest needs some ten thousand
SEEDS = 20  # within so many, a planted fault shows


def ran(machine: Machine, guest: Guest) -> tuple[Outcome, list[tuple[int, int]]]:
    """Run the guest; return how it ended and what is in its log."""
    outcome = finish(machine.load(guest.image, boot="s"), BUDGET)
    at = LOG - RAM
    return outcome, list(
        struct.iter_unpack("<2Q", machine.memory.bytes[at : at + 16 * len(guest.log)])
    )


@cache
def guest_of(seed: int) -> Guest:
    return Guest(seed)


def virtual(guest: Guest, mode: str) -> VM:
    vm = VM(memory=MEMORY, svade=guest.svade, **MODES[mode]())
    look_eagerly(vm.host.memory, 100)
    return vm


def first(log: list[tuple[int, int]], guest: Guest) -> tuple[object, ...]:
    """Return the first outcome that the model denies: its place, what it is, and should be."""
    pairs = enumerate(zip(log, guest.log, strict=True))
    return next(((n, is_, should) for n, (is_, should) in pairs if is_ != should), ())


@settings(max_examples=count(4, 40, 5_000), deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32), rounds=st.integers(10, 80))
def test_random_tables(seed: int, rounds: int):
    guest = Guest(seed, rounds)
    bare, log = ran(Machine(MEMORY, svade=guest.svade), guest)
    assert bare.end.reason == "exit" and first(log, guest) == ()
    for mode in MODES:
        outcome, log = ran(virtual(guest, mode), guest)
        assert (mode, first(log, guest), bare.differences(outcome)) == (mode, (), [])


def test_the_guests_meet_what_they_are_for():
    """All kinds of step and of outcome; fences that name something are the rule."""
    steps: Counter[str] = Counter()
    causes: Counter[int] = Counter()
    for seed in range(10):
        guest = Guest(seed)
        steps.update(kind for kind, *_ in guest.steps)
        causes.update(cause for cause, _ in guest.log)
    assert set(steps) == set(tables.KINDS)
    assert set(causes) == {0, *tables.PAGE_FAULTS, *tables.ACCESS_FAULTS}
    assert causes[0] > causes.total() / 5
    whole = steps["sfence.vma"] + steps["sinval.vma"]
    assert whole < sum(n for kind, n in steps.items() if "address" in kind or "asid" in kind) / 4


# --- planted faults -------------------------------------------------------------------------------


def noted_as_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fence finds the pages that it names, but not the rest of a superpage."""
    add = Holders.add
    monkeypatch.setattr(Holders, "add", lambda self, key, gva, level: add(self, key, gva, 0))


def noted_as_large_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gigapage is taken for 2 MiB."""
    add = Holders.add
    monkeypatch.setattr(
        Holders, "add", lambda self, key, gva, level: add(self, key, gva, min(level, 1))
    )


def gigapages_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    drop = ShadowTable.drop
    monkeypatch.setattr(
        ShadowTable, "drop", lambda self, gva, level: [] if level == 2 else drop(self, gva, level)
    )


def large_pages_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    drop = ShadowTable.drop
    monkeypatch.setattr(
        ShadowTable, "drop", lambda self, gva, level: [] if level == 1 else drop(self, gva, level)
    )


def pages_of_the_present_space(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fence of an address is about the ASID that is on, whichever it names."""
    right = ShadowPaging.fence_page

    def fence_page(self: ShadowPaging, gva: int, asid: int | None = None) -> None:
        right(self, gva, asid if self.key is None else space_of(self.key))

    monkeypatch.setattr(ShadowPaging, "fence_page", fence_page)


def the_present_space(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fence of an ASID is about the one that is on."""
    right = ShadowPaging.fence

    def fence(self: ShadowPaging, asid: int | None = None) -> None:
        right(self, asid if self.key is None or asid is None else space_of(self.key))

    monkeypatch.setattr(ShadowPaging, "fence", fence)


def asid_0_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ASID of 0 in a register is taken for no ASID, and that for space 0 alone."""
    take = Holders.take
    monkeypatch.setattr(Holders, "take", lambda self, gva, asid: take(self, gva, asid or 0))


def no_svinval(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ShadowPaging.fence_instruction

    def fence_instruction(self: ShadowPaging, word: int, gva: int, asid: int) -> None:
        if not word >> 25 & system.SINVAL:
            right(self, word, gva, asid)

    monkeypatch.setattr(ShadowPaging, "fence_instruction", fence_instruction)


def never_dirty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first store to a page that was read before leaves no D bit."""
    right = ShadowPaging.rights
    monkeypatch.setattr(
        ShadowPaging, "rights", lambda self, vcpu, gpa, pte: right(self, vcpu, gpa, pte | PTE_D)
    )


def origins_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store to an entry for a superpage, or to a pointer, drops one page."""
    right = SyncedShadowPaging._note_origin
    monkeypatch.setattr(
        SyncedShadowPaging, "_note_origin",
        lambda self, place, part: right(self, place, (*part[:2], 0)),
    )  # fmt: skip


PLANTED = [
    (noted_as_small, "shadow"), (noted_as_large_at_most, "shadow"), (gigapages_stay, "shadow"),
    (gigapages_stay, "synced"), (large_pages_stay, "shadow"), (large_pages_stay, "synced"),
    (pages_of_the_present_space, "shadow"), (the_present_space, "shadow"),
    (asid_0_is_none, "shadow"), (no_svinval, "shadow"), (never_dirty, "shadow"),
    (origins_are_small, "synced"),
]  # fmt: skip


@pytest.mark.parametrize("mode", count(["hardware"], ["trap", "hardware"], ["trap", "hardware"]))
@pytest.mark.parametrize(
    ("plant", "paging"), PLANTED, ids=[f"{plant.__name__}-{paging}" for plant, paging in PLANTED]
)
def test_a_planted_fault_is_noticed(
    mode: str, plant: Callable[[pytest.MonkeyPatch], None], paging: str,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    plant(monkeypatch)
    assert any(
        first(ran(virtual(guest, f"{mode}, {paging}"), guest)[1], guest)
        for guest in map(guest_of, range(SEEDS))
    )


def test_a_hart_that_fences_a_part_of_a_superpage_is_noticed(monkeypatch: pytest.MonkeyPatch):
    right = system.fence

    def fence(s, tlb, word):
        s[state.SUPERPAGES] = 0
        right(s, tlb, word)

    monkeypatch.setattr(system, "fence", fence)
    assert any(
        first(ran(Machine(MEMORY, engine="python", svade=guest.svade), guest)[1], guest)
        for guest in map(guest_of, range(SEEDS))
    )
