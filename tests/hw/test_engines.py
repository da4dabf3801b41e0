"""Both engines, compiled regions, any cut of a run into pieces: always the same states.

Random words as code in each mode, and all short guests, run by plain Python first and then in
every other way (compare.KINDS). Whole state vectors, TLBs, RAM, page flags, console and devices
are compared; compare.DETAIL says what is left out.
"""

import pytest

from minihv import guests
from minihv.devices.virt import Machine
from minihv.hw import memory
from minihv.hw import state as st
from minihv.hw.registers import ROWS
from tests.guests import console
from tests.hw.chaos import HOSTED, MODES, Chaos
from tests.hw.compare import DETAIL, KINDS, differences, run_as
from tests.tiers import count

pytest.importorskip("llvmlite", reason="LLVM is not installed: there is one engine only")

TICKS = 10_000
SEEDS = range(count(1, 3, 200))
MODES_AND_HOSTED = (*MODES, HOSTED)
GUESTS = ("hello", "timer", "paging", "exits", "syscalls", "hello-s", "labos", "labos-m")
GUEST_TICKS = 60_000


def engine_of(kind: str) -> str:
    return "python" if kind == "python" else "jit"


def chaos(seed: int, mode: str, kind: str, harts: int = 1) -> Machine:
    machine = Chaos(seed, mode, engine_of(kind), harts=harts).machine
    machine.rounds.slice = 60 if harts == 1 else 97  # short turns: many changes from hart to hart
    return run_as(machine, kind, TICKS, seed)


@pytest.mark.parametrize("mode", MODES_AND_HOSTED)
@pytest.mark.parametrize("seed", SEEDS)
def test_random_code(mode, seed):
    expected = chaos(seed, mode, "python")
    assert expected.harts[0].s[st.TRAPS] > 50
    for kind in KINDS:
        machine = chaos(seed, mode, kind)
        assert differences(expected, machine) == [], kind
        if kind == "hot":
            assert machine.memory.regions.count > 3


@pytest.mark.parametrize("mode", MODES_AND_HOSTED)
@pytest.mark.parametrize("harts", [2, 4])
def test_random_code_on_several_harts(mode, harts):
    """They share all RAM: each runs and overwrites the others' code, tables and data."""
    expected = chaos(harts, mode, "python", harts)
    for kind in KINDS:
        assert differences(expected, chaos(harts, mode, kind, harts)) == [], kind


def guest(name: str, kind: str, harts: int = 1) -> Machine:
    machine = Machine(memory=32 << 20, harts=harts, engine=engine_of(kind))
    machine.load(guests.path(name), append=console.BOOTARGS)
    machine.rounds.slice = 500
    return run_as(machine, kind, GUEST_TICKS)


@pytest.mark.parametrize("name", GUESTS)
def test_guests(name):
    expected = guest(name, "python")
    assert expected.executed > 2_000
    for kind in KINDS:
        assert differences(expected, guest(name, kind)) == [], kind


def test_a_guest_on_four_harts():
    expected = guest("labos", "python", 4)
    for kind in KINDS:
        assert differences(expected, guest("labos", kind, 4)) == [], kind


def test_a_slice_of_any_length_shows_nowhere():
    """With one hart. With several it is when they take turns, and so part of the machine."""
    machines = []
    for ticks in (60, 997, 1_000_000):
        machine = Chaos(9, "s", "jit").machine
        machine.rounds.slice = ticks
        machines.append(run_as(machine, "jit", TICKS))
    for machine in machines[1:]:
        machine.rounds.end = machines[0].rounds.end
        assert differences(machines[0], machine) == []


@pytest.mark.parametrize("mode", MODES_AND_HOSTED)
def test_a_decode_cache_that_overflows(mode, monkeypatch):
    """With room for three pages of code it starts anew all the time; nobody may notice."""
    roomy = chaos(7, mode, "python")
    monkeypatch.setattr(memory, "CODE_PAGES", 3)
    expected = chaos(7, mode, "python")
    assert expected.memory.shared[st.SHARED_CODE_PAGES] <= 4
    for kind in KINDS:
        assert differences(expected, chaos(7, mode, kind)) == [], kind
    for row in ROWS:
        if row.slot >= 0:
            values = [machine.harts[0].s[row.slot] for machine in (roomy, expected)]
            assert values[0] == values[1] or row.slot in DETAIL, row.name
    assert roomy.memory.read(st.RAM_BASE, 1 << 18) == expected.memory.read(st.RAM_BASE, 1 << 18)


def test_the_comparison_sees_every_slot():
    """The negative control: one slot that differs is reported."""
    one, other = (Machine(memory=1 << 16, engine="python") for _ in range(2))
    for slot in range(st.SLOTS):
        other.harts[0].state[slot] ^= 1
        assert bool(differences(one, other)) == (slot not in DETAIL), slot
        other.harts[0].state[slot] ^= 1
    assert differences(one, other) == []


def test_the_comparison_sees_memory_and_tlb():
    for change in ("bytes", "flags", "tlb"):
        machines = [Machine(memory=1 << 16, engine="python") for _ in range(2)]
        if change == "tlb":
            machines[1].harts[0].tlb_array[7] ^= 1
        else:
            getattr(machines[1].memory, change)[5] ^= 1
        assert differences(*machines)
