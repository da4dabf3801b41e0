"""The instances of chapter 04: made the same everywhere, and true to the machine."""

import pytest

from minihv.chapters.ch02.beside.suspects import MEMORY, left
from minihv.chapters.ch04.beside.switches import SUSPECTS, Forgetful
from minihv.chapters.ch04.checks import dispatch
from minihv.course.exercise import exercise
from minihv.hw.causes import GUEST_EXCEPTIONS
from minihv.hw.state import VTW
from minihv.vmm import VM, HardwareAssist
from minihv.vmm.hardware import OWN_FAULTS, OWN_TRAPS
from tests.answers.variants import variant


@pytest.mark.parametrize("number", ["04.1", "04.3"])
def test_a_seed_gives_the_same_instance_and_another_seed_another(number):
    one = exercise(number)
    assert one.form.ask(one.instance(5)) == one.form.ask(one.instance(5))
    assert one.form.ask(one.instance(5)) != one.form.ask(one.instance(6))


def test_what_is_delegated_is_what_the_hart_can_hold_and_more_than_the_package_needs():
    hedeleg, hideleg = dispatch.masks(([], [], False))
    assert hedeleg & (OWN_TRAPS | OWN_FAULTS) == OWN_TRAPS | OWN_FAULTS
    hart = VM(memory=MEMORY, cpu=HardwareAssist(), engine="python").physical
    hart.csr["hedeleg"], hart.csr["hideleg"] = hedeleg, hideleg
    assert (hart.csr["hedeleg"], hart.csr["hideleg"]) == (hedeleg, hideleg)
    assert not hedeleg & GUEST_EXCEPTIONS and VTW


def test_exits_are_of_the_kind_that_they_say():
    for seed in range(10):
        kinds = {one.kind: one.answer[0] for one in exercise("04.1").instance(seed).exits}
        assert kinds == {
            "call": "call", "wait": "wait", "emulate": "emulate", "h_instruction": "reflect",
            "interrupt": "host", "reflect": "reflect", "fill": "fill", "fill_walk": "fill",
            "device": "device", "device_fetch": "reflect", "device_walk": "reflect",
            "nowhere": "reflect",
        }  # fmt: skip


PLAIN = "li a0, 5\nend: j end"


@pytest.mark.parametrize("fault", SUSPECTS)
def test_each_planted_fault_differs_from_the_bare_machine_and_runs_plain_guests(fault):
    one = Forgetful(fault)
    assert one.run(PLAIN) == one.bare(PLAIN)
    assert variant("04.2")["find_fault"](one.run, one.bare) == fault


def test_without_a_fault_nothing_is_found():
    def run(source):
        vm = VM(memory=MEMORY, cpu=HardwareAssist(), engine="python")
        return left(vm, source, Forgetful.budget)

    assert variant("04.2")["find_fault"](run, Forgetful.bare) is None
