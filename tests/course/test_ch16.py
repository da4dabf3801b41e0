"""The instances of chapter 16: made the same everywhere, true to what they stand for."""

import pytest

from minihv.chapters.ch16 import Store, start
from minihv.chapters.ch16.beside import fleets
from minihv.chapters.ch16.checks import bound, copies, filters, nth
from minihv.cloud import surface
from minihv.containers.linux import seccomp
from minihv.course.exercise import exercise

NUMBERS = ["16.1", "16.2", "16.3", "16.4", "16.5"]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_seed_gives_the_same_instance_and_another_seed_another(number: str):
    one = exercise(number)
    assert one.form.ask(one.instance(5)) == one.form.ask(one.instance(5))
    assert one.form.ask(one.instance(5)) != one.form.ask(one.instance(6))


@pytest.mark.parametrize("seed", range(6))
def test_each_likely_mistake_reads_some_filter_wrongly(seed: int):
    cases = exercise("16.1").instance(seed)
    for bug in filters.MISTAKES:
        assert any(filters.allowed(case, bug) != list(case.right) for case in cases), bug
    for case in cases:
        assert 0 <= len(case.right) <= 120
    assert any(case.right for case in cases)


def test_the_checker_reads_the_containers_filter_as_the_package_does():
    import struct

    program = seccomp.program("x86_64")
    code = tuple(struct.iter_unpack("HBBI", program))
    for number in range(460):
        for argument in (0, 0x10000000):
            assert filters.run(code, number, filters.X86, argument) == surface.run_filter(
                program, number, args=(argument,))


def test_the_machines_that_clones_are_held_against_differ():
    (plan, *_) = exercise("16.2").instance(1)
    wanted = copies.expected(plan)
    assert len({str(facts) for facts in wanted.values()}) == 4
    for name, words in (("one", plan.one), ("two", plan.two)):
        assert wanted[name]["console"] == "".join(plan.before + words)
        heard = sum(ord(letter) for word in plan.before + words for letter in word)
        assert wanted[name]["sum"] == heard


@pytest.mark.parametrize("seed", range(4))
def test_a_fleet_has_the_fault_that_it_says(seed: int):
    for suspect in exercise("16.3").instance(seed):
        fleet = suspect.fleet()
        spoiler, before = fleet.clone(), fleet.clone()
        for part, size in fleets.PARTS.items():
            last = size - 1
            old = before.read(part, last)
            spoiler.write(part, last, old ^ 1)
            seen = before.read(part, last) != old, fleet.clone().read(part, last) != old
            wanted = {"alias": (True, True), "upper": (True, True), "late": (False, True),
                      "none": (False, False)}[suspect.way]
            assert seen == (wanted if part == suspect.part else (False, False))


@pytest.mark.parametrize("seed", range(4))
def test_a_fleet_fits_as_long_as_it_is_not_larger(seed: int):
    for fleet in exercise("16.4").instance(seed):
        what, count = bound.answer(fleet)
        for n, fits in ((count, True), (count + 1, False)):
            memory = fleet.shared + n * fleet.each <= fleet.free
            time = n * sum(bound.parts(fleet).values()) <= fleet.cores * 1e6
            assert (memory and time) is fits
            if not fits:
                assert memory is (what != "memory")


def test_the_store_tells_everybody_or_nobody():
    store = Store()
    assert [start(store, n) for n in range(1, 4)] == [5, 9, 13]
    store = Store()
    assert {start(store, n, "/vm/{}/") for n in range(1, 30)} == {5}


def test_the_line_is_found_again():
    for series in exercise("16.5").instance(3):
        base, slope = nth.fit(series.points)
        assert base == pytest.approx(series.base, rel=0.02)
        assert slope == pytest.approx(series.slope, abs=0.001 * series.base)
