"""The instances of chapter 02: made the same everywhere, and true to the machine."""

import pytest

from minihv.chapters.ch02.beside import cpu, processor, suspects
from minihv.chapters.ch02.checks import emulate, rounds, unknown
from minihv.course.exercise import exercise
from minihv.devices.virt import Machine
from minihv.vmm import VM, TrapAndEmulate
from tests.answers.variants import variant


@pytest.mark.parametrize("number", ["02.1", "02.3", "02.4"])
def test_a_seed_gives_the_same_instance_and_another_seed_another(number):
    one = exercise(number)
    assert one.form.ask(one.instance(5)) == one.form.ask(one.instance(5))
    assert one.form.ask(one.instance(5)) != one.form.ask(one.instance(6))


def test_the_cases_of_an_emulation_hold_each_rule_and_the_hart_obeys_it():
    cases = exercise("02.1").instance(3)
    assert {case.rule for case in cases} == set(emulate.RULES)
    for case in cases:
        trapped = case.answer["csr"]["scause"] == 2 and case.answer["pc"] != case.state["pc"] + 4
        assert trapped == (case.rule in emulate.TRAPPING), case
        if case.rule == "x0":
            assert case.answer["x"] == case.state["x"]


def test_an_emulation_that_is_right_boots_a_kernel_and_one_that_is_wrong_does_not():
    right = variant("02.1")["emulate"]
    assert cpu.boot(right) == []
    wrong = variant("02.1", ("cpu.x[rd] = old", "cpu.x[rd] = cpu.csr[name]"))["emulate"]
    assert "memory" in cpu.boot(wrong)


PLAIN = "li a0, 5\nend: j end"


@pytest.mark.parametrize("fault", suspects.SUSPECTS)
def test_each_planted_fault_differs_from_the_bare_machine_and_runs_plain_guests(fault):
    one = suspects.Suspicious(fault)
    assert one.run(PLAIN) == one.bare(PLAIN)
    assert variant("02.2")["find_fault"](one.run, one.bare) == fault


def test_without_a_fault_nothing_differs():
    def run(source):
        vm = VM(memory=suspects.MEMORY, cpu=TrapAndEmulate(), engine="python")
        return suspects.left(vm, source, suspects.BUDGET)

    seen = []

    def bare(source):
        left = suspects.left(Machine(suspects.MEMORY, engine="python"), source, suspects.BUDGET)
        seen.append(run(source) == left)
        return left

    assert variant("02.2")["find_fault"](run, bare) == "clock"  # what is left when all is well
    assert all(seen) and len(seen) > 8


def test_what_the_kinds_of_instructions_are_is_what_they_do():
    """Each label of the table, found again by the reference on a processor of that kind alone."""
    classify = variant("02.3")["classify"]
    assert unknown.TRUTH.keys() == processor.EFFECTS.keys()
    for kind, (privileged, sensitive) in unknown.TRUTH.items():
        table, verdict = classify(processor.Processor((kind,)))
        assert table == {"op0": (privileged, sensitive)}, kind
        assert verdict == (privileged or not sensitive)


def test_a_log_is_its_rounds():
    for log in exercise("02.4").instance(9):
        text = " ".join(log.reasons)
        assert text.count(rounds.START) == log.rounds + 1
        assert text.count(" ".join(log.round)) >= log.rounds - log.disturbed
