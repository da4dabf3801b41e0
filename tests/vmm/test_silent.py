"""On a host that is not classically virtualizable, trap-and-emulate fails, and says so."""

import pytest

from minihv import guests
from minihv.devices.virt import End, Machine
from minihv.errors import ConfigError
from minihv.hw import state as st
from minihv.vmm import VM, Host, Hypervisor, Reason
from minihv.vmm.run import new_machine
from tests.vmm.central import finish, outcome

MEMORY = 16 << 20
CHURN = "workload=churn n=5 pages=3"
BUDGET = 5_000_000


@pytest.mark.parametrize("guest", ["labos", "labos-m"])
def test_the_bare_machine_runs_a_kernel_as_ever(guest):
    standard, silent = Machine(MEMORY), Machine(MEMORY, sensitive="silent")
    assert outcome(silent, guest, CHURN) == outcome(standard, guest, CHURN)


@pytest.mark.parametrize("engine", ["jit", "python"])
@pytest.mark.parametrize("guest", ["labos", "labos-m"])
def test_a_kernel_gets_lost(guest, engine):
    vm = VM(guests.path(guest), memory=MEMORY, append=CHURN, engine=engine, sensitive="silent")
    assert vm.run(BUDGET) == End("lost")
    vcpu = vm.harts[0]
    assert b"labos: " in vm.console.output  # it came that far without a register of S-mode
    assert vm.physical.s[st.SILENT] > 1
    assert vcpu.csr["stvec"] == 0 and vcpu.csr["satp"] == 0  # what it wrote was never seen
    assert vcpu.pc == 0 and vm.exits.log[-1].reason == Reason.FAULT
    assert set(vm.exits) <= set(Reason)


def test_the_same_traps_on_a_standard_host_only_use_up_the_budget():
    """There it is the guest's own doing, and a VM does as hardware does."""
    vm = VM(bytes.fromhex("67000000"), memory=MEMORY, boot="s")  # jalr x0, 0(x0): to nowhere
    assert vm.run(20_000) == End("budget")
    lost = VM(bytes.fromhex("67000000"), memory=MEMORY, boot="s", sensitive="silent")
    assert lost.run(20_000) == End("lost")


def test_a_kernel_without_sensitive_instructions_is_not_harmed():
    bare = Machine(MEMORY)
    vm = VM(memory=MEMORY, sensitive="silent")
    assert outcome(vm, "hello-s").differences(outcome(bare, "hello-s")) == []


def test_the_host_decides():
    hypervisor = Hypervisor(2 * MEMORY, sensitive="silent")
    for _ in range(2):
        hypervisor.create(guests.path("labos"), memory=MEMORY, append=CHURN)
    assert set(hypervisor.run().values()) == {End("lost")}
    vm = new_machine("trap", memory=MEMORY, sensitive="silent")
    vm.load(guests.path("labos"), append=CHURN)
    assert finish(vm).end == End("lost")
    with pytest.raises(ConfigError, match="sensitive 'loud'"):
        Host(MEMORY, sensitive="loud")
