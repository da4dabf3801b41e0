"""Which hart runs which virtual CPU when: no guest can tell, and a hart forgets who has left."""

from functools import cache

import pytest

from minihv import guests
from minihv.devices.virt import Machine
from minihv.vmm import VM, HardwareAssist, Host, Hypervisor, NestedPaging, SyncedShadowPaging
from minihv.vmm.sched import RoundRobin, Turn
from minihv.vmm.vcpu import VCPU
from tests.vmm.central import Outcome, finish
from tests.vmm.modes import MODES

MEMORY = 16 << 20
CHURN = "workload=churn copies=2 n=4 pages=3"


class Migrating:
    """Turns of uneven lengths, each VCPU on another hart than the last time."""

    def __init__(self):
        self.turns = 0
        self.places = set()

    def next(self, vms, harts):
        self.turns += 1
        at = self.turns % len(harts)
        turn = Turn(vms[0], [*harts[at:], *harts[:at]], 700 + 13 * (self.turns % 31))
        self.places |= {(turn.vm, k, turn.harts[k % len(harts)].id) for k in range(2)}
        return turn


@cache
def bare(append: str, harts: int) -> Outcome:
    return finish(Machine(MEMORY, harts).load(guests.path("labos"), append=append))


def migrated(layers, harts: int, vcpus: int) -> list[str]:
    """How labos ends on a host of `harts` harts where every turn is on another one."""
    scheduler = Migrating()
    hypervisor = Hypervisor(MEMORY, harts, scheduler=scheduler)
    vm = hypervisor.create(guests.path("labos"), memory=MEMORY, harts=vcpus, append=CHURN, **layers)
    hypervisor.run()
    assert len(scheduler.places) == 2 * harts and scheduler.turns > 50
    return bare(CHURN, vcpus).differences(finish(vm))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("harts", [1, 2, 4])
@pytest.mark.parametrize("vcpus", [1, 3])
def test_a_guest_cannot_tell_where_it_runs(mode, harts, vcpus):
    assert migrated(MODES[mode](), harts, vcpus) == []


def test_a_hart_that_keeps_what_a_vcpu_left_there_is_caught(monkeypatch):
    """Planted: the guest's fences reach the hart on which it executes them, and no other."""
    monkeypatch.setattr(VCPU, "move_to", lambda vcpu, hart: setattr(vcpu, "physical", hart))
    layers = {"cpu": HardwareAssist(), "paging": NestedPaging()}
    assert migrated(layers, 2, 1) != []


def test_shadow_tables_that_forget_on_one_hart_only_are_caught(monkeypatch):
    """Planted: an entry is dropped from the table, and from the TLB of the host's first hart."""

    class Local(SyncedShadowPaging):
        def _drop_part(self, table, gva, level):
            harts, self.vm.host.harts = self.vm.host.harts, self.vm.host.harts[:1]
            super()._drop_part(table, gva, level)
            self.vm.host.harts = harts

    monkeypatch.setattr(VCPU, "move_to", lambda vcpu, hart: setattr(vcpu, "physical", hart))
    assert migrated({"paging": SyncedShadowPaging()}, 2, 1) == []
    assert migrated({"paging": Local()}, 2, 1) != []


def test_vms_that_change_places_stay_apart():
    hypervisor = Hypervisor(len(MODES) * MEMORY, 3, scheduler=Migrating())
    vms = [hypervisor.create(guests.path("labos"), memory=MEMORY, harts=1 + k % 2, append=CHURN,
                             **layers()) for k, layers in enumerate(MODES.values())]  # fmt: skip
    hypervisor.run()
    for vm in vms:
        assert bare(CHURN, len(vm.harts)).differences(finish(vm)) == []


def test_virtual_cpus_are_spread_over_the_harts_of_a_host():
    vm = VM(memory=MEMORY, harts=3, host=Host(MEMORY, harts=2))
    assert [vcpu.physical.id for vcpu in vm.harts] == [0, 1, 0]
    vm.place(vm.host.harts[1:])
    assert [vcpu.physical.id for vcpu in vm.harts] == [1, 1, 1]
    assert vm.physical is vm.host.harts[1]


def test_round_robin_gives_all_the_same():
    """A round is one turn each; a scheduler may also let one VM go first."""

    class Last(RoundRobin):
        def next(self, vms, harts):
            return Turn(max(vms, key=lambda vm: vm.name), harts, self.length)

    for scheduler, shares in (RoundRobin(1_000), [2_000] * 3), (Last(1_000), [0, 0, 6_000]):
        hypervisor = Hypervisor(3 * MEMORY, scheduler=scheduler)
        vms = [hypervisor.create(guests.path("labos"), memory=MEMORY) for _ in range(3)]
        hypervisor.run(max_rounds=2)
        assert [vm.executed for vm in vms] == shares
