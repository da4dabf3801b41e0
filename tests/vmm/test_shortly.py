"""Exits in fewer steps: the same exits and the same state, and nobody's own step is left out."""

import pytest

from minihv import guests
from minihv.vmm import (
    VM,
    HardwareAssist,
    NestedPaging,
    Reason,
    ShadowPaging,
    SyncedShadowPaging,
    TrapAndEmulate,
)
from minihv.vmm.emulate import NAMES
from tests.vmm.central import finish
from tests.vmm.modes import MODES

MEMORY = 16 << 20
GUESTS = ("workload=churn pages=4 n=3", "workload=syscalls n=50", "workload=faults pages=4 n=5")


def booted(append: str, **layers) -> VM:
    vm = VM(guests.path("labos"), memory=MEMORY, append=append, **layers)
    vm.run(200_000)
    return vm


@pytest.mark.parametrize("append", GUESTS)
@pytest.mark.parametrize("mode", MODES)
def test_the_log_is_that_of_the_steps(mode, append):
    """Also the state: the clocks say so, since each exit has its place in time."""
    layers = MODES[mode]()
    kind = type(layers.get("cpu", TrapAndEmulate()))

    class StepByStep(kind):
        def examine(self, vcpu, hart):
            return super().examine(vcpu, hart)

    short, long = booted(append, **MODES[mode]()), booted(append, **layers | {"cpu": StepByStep()})
    assert short.exits == long.exits and sum(short.exits.values()) >= 10
    assert list(short.exits.log) == list(long.exits.log)
    assert all(type(exit) is type(long.exits.log[0]) for exit in short.exits.log)
    assert finish(short).differences(finish(long)) == []


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.parametrize("how", ["in a subclass", "in the object", "in the class"])
def test_a_step_of_ones_own_is_taken(name, how, monkeypatch):
    asked = []

    def step(self, *arguments):
        asked.append(name)
        return original(self, *arguments)

    original = getattr(TrapAndEmulate, name)
    if how == "in the class":
        monkeypatch.setattr(TrapAndEmulate, name, step)
    cpu = type("Mine", (TrapAndEmulate,), {name: step} if how == "in a subclass" else {})()
    if how == "in the object":
        monkeypatch.setattr(cpu, name, lambda *arguments: step(cpu, *arguments))
    booted(GUESTS[0], cpu=cpu)
    assert asked


@pytest.mark.parametrize("name", ["enter", "guest_walk", "obstacle", "fill", "rights", "put"])
@pytest.mark.parametrize("base", [ShadowPaging, SyncedShadowPaging, NestedPaging])
def test_so_is_one_of_a_paging_layer(base, name):
    asked = []

    def step(self, *arguments):
        asked.append(name)
        return getattr(base, name)(self, *arguments)

    if name not in dir(base) or (base is NestedPaging and name == "guest_walk"):
        pytest.skip("this layer has no such step")
    cpu = HardwareAssist() if base is NestedPaging else TrapAndEmulate()
    vm = booted(GUESTS[0], cpu=cpu, paging=type("Mine", (base,), {name: step})())
    if name == "enter":
        assert len(asked) >= sum(vm.exits.values()) - vm.exits[Reason.SLICE]
    else:
        assert len(asked) >= vm.exits[Reason.FILL]


def test_a_regime_of_ones_own_is_asked_for_at_each_entry():
    asked = []

    class Mine(TrapAndEmulate):
        def regime(self, vcpu):
            asked.append(vcpu.clock)
            return super().regime(vcpu)

    vm = booted(GUESTS[1], cpu=Mine())
    assert len(asked) >= sum(vm.exits.values()) - vm.exits[Reason.SLICE]


def test_observers_see_all_and_may_come_and_go():
    vm = VM(guests.path("labos"), memory=MEMORY, append=GUESTS[0])
    vm.run(60_000)
    seen = []
    vm.on()(lambda vcpu, exit: seen.append(exit))
    before = sum(vm.exits.values())
    vm.run(500_000)
    assert len(seen) == sum(vm.exits.values()) - before > 10
    assert seen[-5:] == list(vm.exits.log)[-5:]
