"""Hostile guests: each sees what hardware would show it, and nobody else notices."""

import math
import random

import numpy as np
import pytest

from minihv import guests
from minihv.devices.virt import Machine
from minihv.hw import state as st
from minihv.hw.memory import PAGE
from minihv.hw.mmu import locate
from minihv.vmm import (
    HardwareAssist,
    Hypervisor,
    NestedPaging,
    Reason,
    ShadowPaging,
    SyncedShadowPaging,
    TrapAndEmulate,
)
from minihv.vmm.sched import RoundRobin
from tests.vmm import hostile
from tests.vmm.central import Outcome, finish
from tests.vmm.modes import M_MODES, MODES

MEMORY = 4 << 20
GOOD_MEMORY = 16 << 20
GOOD = "workload=churn n=2 pages=2"
BOOT = 70_000  # instructions after which its workload begins
TURN, ROUNDS = 1_000, 20  # which suffices for that
REST = 400_000  # ends all hostile guests that end

BAD = {
    "absurd tables": hostile.absurd_tables(),
    "unknown calls": hostile.unknown_calls(),
    **{f"garbage {seed}": hostile.garbage(seed) for seed in range(3)},
    **{f"nowhere: {name}": hostile.nowhere(name) for name in hostile.NOWHERE},
    **{f"flood: {name}": hostile.flood(name) for name in hostile.FLOODS},
}
BAD_MACHINE = {name: hostile.program(text) for name, text in hostile.MACHINE.items()}


@pytest.fixture(scope="module")
def good_alone() -> Outcome:
    machine = Machine(GOOD_MEMORY).load(guests.path("labos"), append=GOOD)
    return finish(machine)


def beside_a_good_one(image, layers, boot, good_alone, caplog, rest=0):
    """Run `image` beside labos; each is compared with itself on a bare machine.

    rest: instructions for which it goes on alone.
    """
    hypervisor = Hypervisor(GOOD_MEMORY + 2 * MEMORY, scheduler=RoundRobin(TURN, math.inf))
    bad = hypervisor.create(image, memory=MEMORY, boot=boot, **layers)
    good = hypervisor.create(guests.path("labos"), memory=GOOD_MEMORY, append=GOOD)
    good.run(BOOT)
    ends = hypervisor.run(ROUNDS)
    assert ends[good].reason == "exit"
    assert good_alone.differences(finish(good)) == []
    alone = Machine(MEMORY).load(image, boot=boot)
    for _ in range(ROUNDS):
        if alone.run(TURN).reason != "budget":
            break
    assert finish(alone, rest).differences(finish(bad, rest)) == []
    lines = [record.getMessage() for record in caplog.records]
    assert all(line.startswith("vm0: ") and "\n" not in line for line in lines)
    return bad, ends[bad], lines


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", BAD)
def test_a_hostile_guest_beside_a_good_one(name, mode, good_alone, caplog):
    rest = 0 if name[:5] in ("flood", "nowhe") else REST
    bad, end, lines = beside_a_good_one(BAD[name], MODES[mode](), "s", good_alone, caplog, rest)
    assert (end.reason == "deadlock") == (name == "nowhere: sleep for ever")
    if name == "unknown calls":
        calls = bad.calls["unknown"]
        assert calls > 500
        assert lines == [f"vm0: made {calls} calls of SBI functions that do not exist"]


@pytest.mark.parametrize("mode", M_MODES)
@pytest.mark.parametrize("name", BAD_MACHINE)
def test_a_hostile_firmware_beside_a_good_guest(name, mode, good_alone, caplog):
    beside_a_good_one(BAD_MACHINE[name], MODES[mode](), "m", good_alone, caplog)


# --- isolation ----------------------------------------------------------------------------------

# A page table entry that would open its first page, should anything take it for one; and no
# value that a guest or the hypervisor makes by itself.
def canary(hpa: int) -> int:
    return 0x5A << 46 | hpa >> 12 << 10 | 0xDF


class Canaries:
    """A hypervisor with a hostile guest between two others, and canaries in all other memory."""

    def __init__(self, layers, image_for):
        self.hypervisor = Hypervisor(4 * MEMORY)
        memory = self.hypervisor.memory
        before = self.hypervisor.create(memory=MEMORY).memory
        self.vm = self.hypervisor.create(memory=MEMORY, **layers)
        after = self.hypervisor.lend(MEMORY)
        frames = [frame - memory.base >> 12 for frame in self.hypervisor._free]
        self.others = [part.offset // PAGE + i for part in (before, after)
                       for i in range(MEMORY // PAGE)]  # fmt: skip
        self.places = [*self.others, *frames]
        self.value = canary(memory.base + before.offset)
        words = memory.bytes.view(np.int64).reshape(-1, PAGE // 8)
        words[self.places] = self.value
        self.image = image_for(self)
        self.vm.load(self.image, boot="s")

    def addresses(self, step: int = 1, seed: int = 0) -> list[int]:
        """Physical addresses that are not the guest's: as host addresses, and beyond its window."""
        base, offset = self.hypervisor.memory.base, self.vm.memory.offset
        found = [page * PAGE + base - shift for page in self.places for shift in (0, offset)]
        wild = [1 << bit for bit in range(12, 56)] + [(1 << 56) - PAGE, (1 << 56) - (1 << 30), 0]
        own = range(base, base + MEMORY)
        chosen = random.Random(seed)
        some = {*chosen.sample(found, len(found) // step), *wild}
        return [address for address in sorted(some) if address not in own]

    def damage(self) -> list[str]:
        """What the guest has changed of, or seen from, the others' memory."""
        memory, vm = self.hypervisor.memory, self.vm
        words = memory.bytes.view(np.int64).reshape(-1, PAGE // 8)
        changed = [page for page in self.others if (words[page] != self.value).any()]
        damage = [f"page {page} changed" for page in changed[:3]]
        part = self.value.to_bytes(8, "little")[:4]
        if part in vm.memory.bytes.tobytes():
            damage.append("canary in the guest's memory")
        if part in vm.console.output:
            damage.append("canary on its console")
        registers = [*vm.harts[0].x, *(value for value in dict(vm.harts[0].csr).values())]
        if self.value in registers:
            damage.append("canary in a register")
        if damage:
            return damage
        bare = Machine(MEMORY).load(self.image, boot="s")
        return finish(bare, BUDGET).differences(finish(vm, BUDGET))


BUDGET = 500_000  # the guest that tries every 48th address needs some 150,000


def everywhere(step):
    return lambda world: hostile.everywhere(world.addresses(step))


@pytest.mark.parametrize("mode", MODES)
def test_a_guest_that_tries_every_address_sees_only_its_own(mode):
    world = Canaries(MODES[mode](), everywhere(48))
    assert world.vm.run(BUDGET).reason == "exit"
    assert world.damage() == []
    assert world.vm.harts[0].x[22] != 0  # it was told of thousands of faults


# --- what must be caught --------------------------------------------------------------------------


class NoBounds(ShadowPaging):
    """Takes every address that leads into the host's memory for the guest's RAM."""

    def obstacle(self, vcpu, gva, gpa, access):
        memory = self.vm.host.memory
        place = gpa - memory.base + self.vm.memory.offset
        return None if 0 <= place < memory.size else Reason.MMIO


class NestedNoBounds(NestedPaging):
    """As NoBounds, in the second stage."""

    obstacle = NoBounds.obstacle


class HostAddresses(ShadowPaging):
    """Takes the guest's physical addresses for the host's."""

    def fill(self, vcpu, gva, gpa):
        inside = 0 <= gpa - self.vm.memory.base < self.vm.memory.size
        super().fill(vcpu, gva, gpa if inside else gpa - self.vm.memory.offset)

    def obstacle(self, vcpu, gva, gpa, access):
        inside = 0 <= gpa - self.vm.memory.base < self.vm.host.memory.size
        return None if inside else super().obstacle(vcpu, gva, gpa, access)


class WalksEverywhere(ShadowPaging):
    """Follows page table pointers out of the guest's memory."""

    def guest_walk(self, vcpu, gva, access):
        s, first = vcpu.s, self.vm.memory.offset
        ram = self.vm.host.memory.views
        self.walker.r64, before = ram.r64[first // 8 :], s[st.WALK_READS]
        size, s[st.RAM_SIZE] = s[st.RAM_SIZE], self.vm.host.memory.size - first
        rest = ram.page_flags[first // PAGE :], ram.code, ram.code_of[first // PAGE :]
        gpa = locate(s, self.walker.r64, *rest, gva, 1, access)
        self.walker.note(s, s[st.WALK_READS] - before)
        s[st.RAM_SIZE] = size
        return gpa


LEAKS = [
    (TrapAndEmulate, NoBounds),
    (HardwareAssist, NoBounds),
    (HardwareAssist, NestedNoBounds),
    (TrapAndEmulate, HostAddresses),
    (TrapAndEmulate, WalksEverywhere),
]


@pytest.mark.parametrize("cpu, paging", LEAKS, ids=[f"{a.__name__}-{b.__name__}" for a, b in LEAKS])
def test_a_pager_that_leaks_is_caught(cpu, paging):
    world = Canaries({"cpu": cpu(), "paging": paging()}, everywhere(99))
    world.vm.run(BUDGET // 4)
    assert world.damage() != []


def test_a_firmware_that_leaks_is_caught():
    world = Canaries({}, everywhere(99))
    memory, offset = world.hypervisor.memory, world.vm.memory.offset

    class Unchecked(type(world.vm.memory)):
        def read(self, gpa, n):
            return memory.read(gpa + offset, n)

    world.vm.memory.__class__ = Unchecked
    world.vm.run(BUDGET // 4)
    assert any("console" in line for line in world.damage())


# --- what the hypervisor does about layers that fail ----------------------------------------------


class Breaks(TrapAndEmulate):
    """Meets an exit that it was not written for."""

    def privileged(self, vcpu, exit):
        raise KeyError("no such case")


class Stuck(SyncedShadowPaging):
    def fill(self, vcpu, gva, gpa):
        pass


@pytest.mark.parametrize(
    "layers, text",
    [
        ({"cpu": Breaks()}, r"vm0: its layer broke: KeyError('no such case') (Breaks.privileged"),
        ({"paging": Stuck()}, "vm0: 1000 exits and the guest does not get on; the last was fill"),
    ],
    ids=["breaks", "stuck"],
)
def test_a_vm_whose_layer_fails_ends_alone(layers, text, good_alone, caplog):
    hypervisor = Hypervisor(2 * GOOD_MEMORY)
    bad, good = (
        hypervisor.create(guests.path("labos"), memory=GOOD_MEMORY, append=GOOD, **more)
        for more in (layers, {})
    )
    ends = hypervisor.run()
    assert (ends[bad].reason, ends[good].reason) == ("failed", "exit")
    assert good_alone.differences(finish(good)) == []
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(text) and "\n" not in line
    assert hypervisor.run()[bad].reason == "failed"


def test_a_guest_that_ends_badly_is_in_the_log_once(caplog):
    hypervisor = Hypervisor(2 * MEMORY)
    hypervisor.create(hostile.program("li t0, 0x100000\n li t1, 0x33333\n sw t1, (t0)"),
                      memory=MEMORY, boot="s")  # fmt: skip
    hypervisor.create(hostile.nowhere("sleep for ever"), memory=MEMORY, boot="s")
    for _ in range(2):
        hypervisor.run()
    assert [record.getMessage() for record in caplog.records] == [
        "vm0: ended with status 3",
        "vm1: every virtual CPU waits for an event that cannot come",
    ]
