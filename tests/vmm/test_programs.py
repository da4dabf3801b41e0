"""Random guest programs end in the same state on the bare machine and in every virtual mode."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minihv.devices.virt import Machine
from minihv.hw import state as slots
from minihv.vmm import (
    VM,
    HardwareAssist,
    NestedPaging,
    Reason,
    ShadowPaging,
    SyncedShadowPaging,
    TrapAndEmulate,
)
from tests.tiers import count
from tests.vmm import programs
from tests.vmm.central import finish
from tests.vmm.modes import M_MODES, MODES
from tests.vmm.test_central import DeafToFences, NeverDirty, NoVirtualPrivilege, Unprotected

MEMORY = 4 << 20
BUDGET = 20_000  # instructions; a program needs a few thousand


def differences(seed: int, steps: int, machine: bool, layers: dict) -> list[str]:
    """In what a virtual run of a program differs from the bare one."""
    image, boot = programs.image(seed, steps, machine), "m" if machine else "s"
    expected = finish(Machine(MEMORY, svade=seed % 3 == 0).load(image, boot=boot), BUDGET)
    vm = VM(memory=MEMORY, svade=seed % 3 == 0, **layers).load(image, boot=boot)
    return expected.differences(finish(vm, BUDGET))


@pytest.mark.parametrize("machine", [False, True], ids=["S", "M"])
@settings(max_examples=count(2, 4, 1_000), deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 32), steps=st.integers(20, 120))
def test_random_programs(machine, seed, steps):
    for mode in M_MODES if machine else MODES:
        assert (mode, differences(seed, steps, machine, MODES[mode]())) == (mode, [])


def test_the_programs_meet_what_they_are_for():
    """Traps of every kind that a guest can cause, interrupts, and an end by the guest itself."""
    traps, ends = [0] * 64, set()
    for seed in range(8):
        for machine in (False, True):
            image, boot = programs.image(seed, 80, machine), "m" if machine else "s"
            guest = Machine(MEMORY).load(image, boot=boot)
            ends.add(guest.run(BUDGET).reason)
            taken = guest.harts[0].s[slots.TRAP_COUNT : slots.TRAP_COUNT + 64]
            traps = [a + b for a, b in zip(traps, taken, strict=True)]
    assert "exit" in ends
    met = {cause for cause, times in enumerate(traps) if times}
    assert met >= {2, 3, 7, 8, 13, 15, 32 + 5}


# --- wrong layers, which random programs have to catch -------------------------------------------


class HardwareWithoutScratch(HardwareAssist):
    """sscratch stays on the hart."""

    def unload(self, vcpu, hart):
        before = vcpu.s[slots.SSCRATCH]
        super().unload(vcpu, hart)
        vcpu.s[slots.SSCRATCH] = before


class CountsRetries(TrapAndEmulate):
    """A fill takes the guest's time."""

    def fill(self, vcpu, exit):
        vcpu.s[slots.CLOCK] += 1
        return super().fill(vcpu, exit)


class LosesAddresses(TrapAndEmulate):
    """Exceptions lose their address."""

    def reflect(self, vcpu, exit):
        lost = exit._replace(gva=0) if exit.reason == Reason.EXCEPTION else exit
        return super().reflect(vcpu, lost)


WRONG = [
    (TrapAndEmulate, DeafToFences), (TrapAndEmulate, NeverDirty), (TrapAndEmulate, Unprotected),
    (NoVirtualPrivilege, ShadowPaging), (CountsRetries, SyncedShadowPaging),
    (LosesAddresses, ShadowPaging), (HardwareWithoutScratch, NestedPaging),
    (HardwareAssist, DeafToFences),
]  # fmt: skip


@pytest.mark.parametrize("cpu, paging", WRONG, ids=[f"{a.__name__}-{b.__name__}" for a, b in WRONG])
def test_a_wrong_layer_is_caught(cpu, paging):
    assert any(
        differences(seed, 100, False, {"cpu": cpu(), "paging": paging()}) for seed in range(25)
    )
