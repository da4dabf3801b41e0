"""Which hart runs which virtual CPU when: no guest can tell, and a hart forgets who has left."""

import math
from functools import cache

import pytest

from minihv import guests
from minihv.asm import assemble
from minihv.devices.virt import Machine
from minihv.vmm import VM, HardwareAssist, Host, Hypervisor, NestedPaging, SyncedShadowPaging, exits
from minihv.vmm.sched import TURN, RoundRobin, Turn
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


# --- turns that end by the host's time -------------------------------------------------------

NOBLE = "li a0, 1\nagain: addi s0, s0, 1\nj again\n"  # 100,000 instructions take milliseconds
COSTLY = "again: csrw sscratch, s0\naddi s0, s0, 1\nj again\n"  # and here, each third one exits


class Exits:
    """A clock for `time.thread_time`: an exit of any VM takes a hundredth of a second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.seconds = 0.0
        for name in ("note", "count"):  # the long way and the short one
            monkeypatch.setattr(exits.Exits, name, self._slow(getattr(exits.Exits, name)))
        monkeypatch.setattr("time.thread_time", lambda: self.seconds)

    def _slow(self, noted):
        def noting(*arguments):
            self.seconds += 0.01
            return noted(*arguments)

        return noting


def loaded(hypervisor: Hypervisor, source: str) -> VM:
    vm = hypervisor.create(memory=1 << 20)
    return vm.load(assemble(source, vm.memory.base).elf(), "s")


def test_a_costly_neighbour_takes_no_more_than_its_share(monkeypatch):
    """Of the host's time, that is; by instructions it gets far fewer."""
    clock = Exits(monkeypatch)
    hypervisor = Hypervisor(8 << 20)
    costly = loaded(hypervisor, COSTLY)
    good = [loaded(hypervisor, NOBLE) for _ in range(3)]
    hypervisor.run(max_rounds=300)
    shares = [vm.seconds / clock.seconds for vm in (costly, *good)]
    assert shares[0] < 0.3
    assert max(shares[1:]) - min(shares[1:]) < 0.02
    assert costly.executed < good[0].executed / 100


def test_turns_by_count_alone_let_it_take_nearly_everything(monkeypatch):
    """So that the test above is about the limit."""
    clock = Exits(monkeypatch)
    hypervisor = Hypervisor(8 << 20, scheduler=RoundRobin(seconds=math.inf))
    costly, good = loaded(hypervisor, COSTLY), loaded(hypervisor, NOBLE)
    hypervisor.run(max_rounds=2)
    assert costly.seconds > 0.9 * clock.seconds
    assert costly.executed == good.executed == 200_000


def test_who_owes_time_runs_on_where_no_one_else_wants_to(monkeypatch):
    Exits(monkeypatch)
    hypervisor = Hypervisor(8 << 20)
    costly = loaded(hypervisor, COSTLY)
    hypervisor.run(max_rounds=20)
    assert costly.executed > 20 * 8


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("vcpus", [1, 3])
def test_a_guest_cannot_tell_that_its_turns_end_early(monkeypatch, mode, vcpus):
    Exits(monkeypatch)
    hypervisor = Hypervisor(MEMORY, scheduler=RoundRobin(seconds=0.01))
    layers = MODES[mode]()
    vm = hypervisor.create(guests.path("labos"), memory=MEMORY, harts=vcpus, append=CHURN, **layers)
    turns = 0
    while hypervisor.run(max_rounds=1)[vm].reason == "budget":
        turns += 1
    if "nested" not in mode:  # there, exits are too few
        assert turns > vm.executed // TURN + 1
    assert bare(CHURN, vcpus).differences(finish(vm)) == []
