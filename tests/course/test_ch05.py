"""The instances of chapter 05: made the same everywhere, and true to the machine."""

import pytest

from minihv.chapters.ch01 import pages
from minihv.chapters.ch05.checks import audit, entry, policies
from minihv.course.exercise import exercise
from minihv.hw import state as st
from minihv.hw import tlb
from minihv.hw.bits import i64
from minihv.vmm import Host

KINDS = {st.READ: pages.R, st.WRITE: pages.W, st.FETCH: pages.X}


@pytest.mark.parametrize("number", ["05.1", "05.2", "05.3"])
def test_a_seed_gives_the_same_instance_and_another_seed_another(number: str):
    one = exercise(number)
    assert repr(one.instance(5)) == repr(one.instance(5))
    assert repr(one.instance(5)) != repr(one.instance(6))


def test_seeds_mean_the_same_on_every_python():
    assert exercise("05.1").instance(1)[0].entry == 0x26447CD7
    assert exercise("05.3").instance(1)[-7].counts == (72, 24, 0)


def used(case: entry.Case, right: int) -> int:
    """The rights that a deprivileged hart has where its table holds this entry."""
    host = Host(4 << 20, engine="python")
    hart, tables = host.harts[0], [host.take_frame() for _ in range(3)]
    for level, table in zip((2, 1, 0), tables, strict=True):
        leaf = right if level == 0 else tables[3 - level] >> 12 << 10 | pages.V
        index = case.gva >> 12 + 9 * level & 511
        host.memory.write(table + 8 * index, leaf.to_bytes(8, "little"))
    hart.translate_by(tables[0])
    before, found = host.memory.bytes.copy(), 0
    for access, bit in KINDS.items():
        hart.s[st.EXIT] = 0
        gva = i64(case.gva & ~7)
        pa = tlb.translate(hart.s, hart.tlb, *host.memory.views.for_walks, gva, 8, access)
        if not hart.s[st.EXIT]:
            assert pa >> 12 == case.page
            found |= bit
    assert (host.memory.bytes == before).all()  # the hart had no reason to write
    return found


@pytest.mark.parametrize("seed", range(2))
def test_a_hart_may_use_an_entry_for_what_it_should_and_no_more(seed: int):
    for case in exercise("05.1").instance(seed):
        if case.entry:
            assert used(case, case.entry) == case.rights, case


def test_an_entry_without_rights_is_a_pointer():
    """Why there is none: the hart would look for a table in the guest's data."""
    case = next(case for case in exercise("05.1").instance(1) if case.rule == "user")
    assert case.entry == 0
    assert used(case, case.page << 10 | entry.ALWAYS) == 0


@pytest.mark.parametrize("seed", range(4))
def test_faulty_pagers_are_caught_and_clean_ones_are_not(seed: int):
    for log in exercise("05.2").instance(seed):
        assert audit.first_wrong(log.events, log.offset) == log.wrong
        assert (log.wrong is None) == (log.fault in audit.CLEAN)
        assert {event["do"] for event in log.events} == {"fill", "fence"}
    assert {log.fault for log in exercise("05.2").instance(seed)} == {*audit.FAULTS, *audit.CLEAN}


def test_the_generous_pager_forgets_more_than_it_must():
    (log,) = [log for log in exercise("05.2").instance(1) if log.fault == "generous"]
    assert any(
        entry not in event["left"] and not audit.must_go(entry, event)
        for event in log.events if event["do"] == "fence" for entry in event["there"]
    )  # fmt: skip


def test_the_place_of_the_wrong_event_does_not_give_it_away():
    """Neither the length of a log nor its end tells where it goes wrong."""
    logs = [log for seed in range(3) for log in exercise("05.2").instance(seed) if log.wrong]
    assert len({len(log.events) - log.wrong for log in logs}) > 5
    assert len({log.wrong for log in logs}) > 5


def test_every_likely_mistake_is_told_apart_on_many_seeds():
    one = exercise("05.3")
    for seed in range(20):
        plays = one.instance(seed)
        for name, switches in policies.MISTAKES.items():
            counts = [policies.Model(**switches).play(play.trace) for play in plays]
            outcomes = [["value", list(counted)] for counted in counts]
            assert one.form.judge([*outcomes, ["value", "c"]], plays).key == name, seed
