"""The instances of chapter 06: made the same everywhere, and true to the machine."""

from collections import Counter

import pytest

from minihv.chapters.ch06.checks import crossing, mapper, references, twodim
from minihv.course.exercise import exercise
from minihv.errors import ConfigError
from minihv.hw import inspect
from minihv.hw import state as st
from minihv.hw.hart import Hart
from minihv.hw.memory import Memory

OUTCOMES = {"g": "guest-page fault", "t": "guest-page fault", "wide": "guest-page fault"}
FINE = {"plain", "superpage", "upper", "large", "far", "t_reads", "bare_first", "bare_second"}


@pytest.mark.parametrize("number", ["06.1", "06.2", "06.3", "06.4"])
def test_a_seed_gives_the_same_instance_and_another_seed_another(number: str):
    one = exercise(number)
    assert repr(one.instance(5)) == repr(one.instance(5))
    assert repr(one.instance(5)) != repr(one.instance(6))


def test_seeds_mean_the_same_on_every_python():
    assert exercise("06.2").instance(1)[4] == (3, 2, 4, 2, 0)
    case = exercise("06.1").instance(1).cases[0]
    assert (case.gva, case.answer) == (0x3B063FA608, ("hpa", 0x804F6608))


@pytest.mark.parametrize("seed", range(4))
def test_each_case_turns_on_its_rule(seed: int):
    world = exercise("06.1").instance(seed)
    for case in world.cases:
        expected = "hpa" if case.rule in FINE else OUTCOMES.get(
            case.rule, OUTCOMES.get(case.rule.partition("_")[0], "page fault"))  # fmt: skip
        assert case.answer[0] == expected, case
    assert Counter(case.rule for case in world.cases) == Counter(
        row.rule for row in twodim.ROWS * 2)  # fmt: skip


def test_the_walk_in_words_agrees_about_the_cases():
    world = exercise("06.1").instance(2)
    memory = Memory(twodim.PAGES * 4096)
    for address, word in world.words.items():
        memory.write(address, word.to_bytes(8, "little"))
    for case in world.cases:
        hart = Hart(0, memory, "python", hypervisor=True)
        hart.own_machine_mode()
        hart.csr["hgatp"], hart.csr["vsatp"] = case.hgatp, case.vsatp
        hart.s[st.SVADE] = hart.s[st.VIRT] = 1
        hart.priv = case.priv
        access = {"load": "read", "store": "write"}.get(case.access, case.access)
        found = inspect.walk(hart, case.gva, access, 8)
        if case.answer[0] == "hpa":
            assert found.pa == case.answer[1]
        else:
            assert (found.cause in (20, 21, 23)) == (case.answer[0] == "guest-page fault")


def test_the_formula_is_what_a_grid_counts():
    for guest, leaf, host, tables, page in exercise("06.2").instance(3):
        squares = 0
        for _ in range(guest - leaf if guest else 0):
            squares += (host - tables if host else 0) + 1
        squares += host - page if host else 0
        assert references.references(guest, leaf, host, tables, page) == squares
    assert references.references(3, 0, 3, 0, 0) == 15
    assert references.references(4, 0, 4, 0, 0) == 24


@pytest.mark.parametrize("seed", range(6))
def test_faulty_mappers_are_caught_and_clean_ones_are_not(seed: int):
    logs = exercise("06.3").instance(seed)
    for log in logs:
        assert mapper.first_wrong(log.guest, log.events) == log.wrong
        assert (log.wrong is None) == (log.fault == "")
    assert {log.fault for log in logs} == {*mapper.FAULTS, ""}


def test_a_mapping_beyond_the_guests_memory_is_somebody_elses():
    (log,) = [log for log in exercise("06.3").instance(1) if log.fault == "beyond"]
    event = log.events[log.wrong]
    end = (event["entry"] >> 10 << 12) + mapper.LARGE
    assert event["level"] == 1 and end > log.guest.base + log.guest.size + log.guest.offset


def test_every_likely_mistake_is_told_apart_on_many_seeds():
    for seed in range(12):
        one = exercise("06.4")
        sweeps = one.instance(seed)
        for name, mistake in crossing.MISTAKES.items():
            outcomes = [["value", mistake(s)] for s in sweeps]
            assert one.form.judge([*outcomes, ["value", "b"]], sweeps).key == name, seed
        two = exercise("06.2")
        configs = two.instance(seed)
        for name, count in references.MISTAKES.items():
            outcomes = [["value", count(*config)] for config in configs]
            assert two.form.judge(outcomes, configs).key == name, seed


# --- the grid -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grid():
    from minihv import guests
    from minihv.chapters.ch06 import WalkGrid
    from minihv.vmm import VM, HardwareAssist, NestedPaging

    vm = VM(guests.path("labos"), cpu=HardwareAssist(), paging=NestedPaging(), memory=16 << 20,
            append="workload=memory pages=20", engine="python")
    vm.run(700_000)
    return WalkGrid(vm.physical, 0x200000)


def test_the_grid_has_fifteen_squares_in_their_places(grid):
    numbers = [[cell and cell["number"] for cell in row["cells"]] for row in grid.grid["rows"]]
    assert numbers == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, None]]
    assert [row["name"] for row in grid.grid["rows"]] == ["row_pte"] * 3 + ["row_page"]
    grid.show(4)
    assert grid.said.startswith("Reference 4 reads the guest's own level 2 entry")
    grid.obey({"do": "move", "with": 99})
    assert grid.shown == 15 and "to RAM at" in grid.said
    assert "15 of 15 memory references" in grid.text()


def test_superpages_and_faults_leave_squares_out(grid):
    grid.obey({"do": "look", "with": "0x80600000", "access": "read"})
    hart = grid._hart
    grid.look(0x80600000)
    assert grid.grid["fault"] == (inspect.walk(hart, 0x80600000).cause is not None)
    grid.look(0x7FFF0000)
    assert grid.grid["fault"] and grid.grid["count"] < 15
    grid.show(grid.grid["count"])
    assert "page fault" in grid.said
    assert 'role="img"' in grid.picture()
    grid.obey({"do": "look", "with": "far", "access": "read"})
    assert "'far' is not an address" in grid.said
    with pytest.raises(ConfigError, match="choose read, write or fetch"):
        grid.look(0, "load")
    grid.look(0x200000, "read")


def test_an_address_that_needs_no_reference_has_its_end_told(grid):
    """Not canonical: the walk faults before it reads anything."""
    grid.look(1 << 39)
    assert grid.grid["count"] == 0 and "page fault" in grid.said.lower()
    grid.look(0x200000)
