"""The instances of chapter 01: made the same everywhere, and true to the machine."""

import pytest

from minihv.asm import assemble
from minihv.chapters.ch01 import pages
from minihv.chapters.ch01.accesses import trace
from minihv.chapters.ch01.checks import fault, handler, tlb, walk
from minihv.course.exercise import CourseError, exercise
from minihv.devices.virt import Machine

ALLOWED = {"plain", "superpage", "upper", "ignored", "mxr", "sum", "clean"}


@pytest.mark.parametrize("number", ["01.1", "01.2", "01.3", "01.4"])
def test_a_seed_gives_the_same_instance_and_another_seed_another(number: str):
    one = exercise(number)
    assert repr(one.instance(5)) == repr(one.instance(5))
    assert repr(one.instance(5)) != repr(one.instance(6))


def test_an_instance_is_what_it_was_when_this_was_written():
    """Seeds must mean the same on every Python: their random numbers come from the text alone."""
    case = exercise("01.2").instance(1).cases[0]
    assert (case.va, case.answer) == (0x2C35562DE0, ("pa", 0xEB14DDF1F4DE0))


@pytest.mark.parametrize("seed", range(8))
def test_each_case_turns_on_its_rule_and_the_machine_agrees(seed: int):
    tables = exercise("01.2").instance(seed)
    for case in tables.cases:
        found = pages.walk(tables.read_u64, case.regime, case.va, case.access)
        answer = ("pa", found.pa) if found.cause is None else ("fault", found.cause)
        assert answer == case.answer, case
        expected = {"machine": "bare"}.get(case.rule, case.rule)
        assert found.why == ("ok" if case.rule in ALLOWED else expected)


def test_a_planted_fault_in_the_explaining_walk_is_seen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pages, "_refusal", lambda *_: "")
    with pytest.raises(AssertionError):
        test_each_case_turns_on_its_rule_and_the_machine_agrees(0)


@pytest.mark.parametrize("seed", range(4))
def test_each_guest_faults_as_its_image_says(seed: int):
    guests = exercise("01.3").instance(seed)
    assert len({guest.bit for guest in guests}) >= 5
    for guest in guests:
        machine = guest.machine()
        end = machine.run(100_000)
        assert (end.reason, end.exit_status) == ("exit", guest.cause)
        steps = pages.walk(guest.read_u64, pages.Regime(guest.satp, 0), guest.va,
                           fault.ACCESS_OF[guest.cause]).steps
        assert guest.pte_address in [step.address for step in steps]


def test_without_the_planted_bit_a_guest_runs_to_its_end():
    for guest in exercise("01.3").instance(3):
        mended = bytearray(guest.image)
        mended[guest.pte_address - fault.BASE + guest.bit // 8] ^= 1 << guest.bit % 8
        machine = fault.Guest(bytes(mended), guest.satp, guest.regions, 0, 0).machine()
        assert machine.run(100_000).exit_status == 0


def test_the_programs_of_the_handler_count_what_they_say():
    """Without interrupts and with the simplest handler, nothing is found wrong."""
    for task in exercise("01.1").instance(4)[:1]:
        quiet = handler.replace(task, first=handler.NEVER)
        run = handler.Run("handler: mret\n", quiet)
        run.go()
        assert run.taken == 0
        assert run.hart.x[handler.COUNTER] == task.expected(handler.COUNTER, run.program)


def test_every_likely_mistake_is_told_apart_on_many_seeds():
    one = exercise("01.4")
    for seed in range(30):
        plays = one.instance(seed)
        for name, mistake in tlb.MISTAKES.items():
            outcomes = [["value", list(mistake(play))] for play in plays] + [["value", "b"]]
            assert one.form.judge(outcomes, plays).key == name, seed


def test_the_model_tlb_counts_by_hand():
    tlb_model = tlb.Tlb(entries=2)
    hits = [tlb_model.touch(page << 12) for page in (1, 2, 1, 3, 2)]
    assert hits == [False, False, True, False, False]
    assert (tlb_model.misses, tlb_model.references) == (4, 12)
    assert tlb.Tlb(1, 30).play([0, 1 << 29, 1 << 30]) == (2, 2)


def test_a_trace_is_what_the_machine_does():
    program = assemble("""
        la a0, data
        ld a1, 8(a0)
        sb a1, -1(a0)
        c.ld a2, 0(a0)
        c.sd a2, 8(a0)
        li a7, 0x53525354
        ecall
        .balign 16
        .dword 0
    data: .dword 5, 6
    """)
    machine = Machine(memory=4 << 20, engine="python").load(program.elf(), boot="s")
    data = program.symbols["data"]
    found = [(access.va, access.kind, access.references) for access in trace(machine)]
    assert found == [(data + 8, "load", 0), (data - 1, "store", 0), (data, "load", 0),
                     (data + 8, "store", 0)]


def test_walk_cases_cover_every_rule_of_the_explaining_walk():
    rules = {case.rule for case in exercise("01.2").instance(1).cases}
    assert rules == {row.rule for row in walk.ROWS}
    texts = {"valid", "reserved", "write_only", "pointer_bits", "depth", "misaligned", "user",
             "sum_fetch", "no_sum", "execute", "write", "read", "accessed", "dirty", "canonical",
             "outside", "bare"}
    assert texts <= rules


@pytest.mark.parametrize("wanted", ["01.9", "1.2", "", "77.1", None, 1.2])
def test_an_unknown_exercise_names_those_that_exist(wanted: object):
    with pytest.raises(CourseError, match="01.1, 01.2, 01.3, 01.4"):
        exercise(wanted)  # type: ignore[arg-type]


def test_whoever_finds_nothing_is_told_which_test_is_missing():
    one = exercise("01.3")
    guests = one.instance(3)
    kinds = set()
    for guest in guests:
        outcomes = [["value", None if g is guest else [g.pte_address, g.bit]] for g in guests]
        verdict = one.form.judge(outcomes, guests)
        assert verdict.key == "nothing" and "A test is missing" in verdict.text("01.3")
        kinds.add(verdict.values["kind"])
    assert len(kinds) == 7
