"""The central test over guests, workloads, policies and numbers of virtual CPUs."""

from functools import cache

import pytest

from minihv.devices.virt import Machine
from minihv.errors import ConfigError
from minihv.guests.labos import WORKLOADS
from minihv.hw import state as st
from minihv.hw.mmu import PTE_D, PTE_W
from minihv.vmm import (
    VM,
    HardwareAssist,
    Reason,
    ShadowPaging,
    SyncedShadowPaging,
    TrapAndEmulate,
)
from minihv.vmm import synced as synced_module
from tests.hw.chaos import look_eagerly
from tests.labos.test_labos_workloads import SMALL
from tests.tiers import count
from tests.vmm.central import Outcome, finish, outcome
from tests.vmm.modes import MODES
from tests.vmm.test_vm import POWER_OFF, program

MEMORY = 32 << 20
# How a guest can run under the hypervisor: in every mode, and with few frames for its tables.
LAYERS = {
    **MODES,
    "trap, shadow, 16 frames": lambda: {"cpu": TrapAndEmulate(), "paging": ShadowPaging(16)},
    "trap, synced, 16 frames": lambda: {"cpu": TrapAndEmulate(), "paging": SyncedShadowPaging(16)},
    "hardware, synced, 16 frames":
        lambda: {"cpu": HardwareAssist(), "paging": SyncedShadowPaging(16)},
}  # fmt: skip
STARTS_IN_M = ("labos-m", "paging", "timer")


def new_vm(layers: str, **options) -> VM:
    vm = VM(memory=MEMORY, **LAYERS[layers](), **options)
    look_eagerly(vm.host.memory, 1000)
    return vm


@cache
def bare(guest: str, append: str = "", harts: int = 1) -> Outcome:
    return outcome(Machine(MEMORY, harts), guest, append)


def differences(vm: VM, guest: str, append: str = "") -> list[str]:
    result = outcome(vm, guest, append)
    return bare(guest, append, len(vm.harts)).differences(result)


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("guest", ["hello-s", "labos", *STARTS_IN_M])
def test_guests(guest, layers):
    vm = new_vm(layers)
    if not layers.startswith("trap") and guest in STARTS_IN_M:
        with pytest.raises(ConfigError, match="starts in M-mode"):
            outcome(vm, guest)
    else:
        assert differences(vm, guest) == []


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("name", WORKLOADS)
def test_workloads(name, layers):
    vm = new_vm(layers)
    assert differences(vm, "labos", f"workload={name} {SMALL[name]}") == []


@pytest.mark.parametrize(
    "layers", ["trap, shadow", "trap, synced, 16 frames", "hardware, nested", "hardware, synced"]
)
@pytest.mark.parametrize("harts", count([2], [2, 4], [2, 3, 4, 8]))
@pytest.mark.parametrize("name", ["pingpong", "churn", "ticks"])
def test_several_virtual_cpus(name, harts, layers):
    for guest, more in (("labos", ""), ("labos", " asids"), ("labos-m", "")):
        vm = new_vm(layers, harts=harts)
        if not layers.startswith("trap") and guest == "labos-m":
            continue
        append = f"workload={name} copies=3 {SMALL[name]}{more}"
        assert differences(vm, guest, append) == []


def test_the_python_engine_runs_guests_too():
    vm = VM(memory=MEMORY, engine="python")
    assert differences(vm, "labos", "workload=churn n=3 pages=2") == []


def test_tables_are_evicted_where_frames_are_few():
    vm = VM(paging=SyncedShadowPaging(16), memory=MEMORY)
    outcome(vm, "labos", f"workload=pingpong {SMALL['pingpong']}")
    assert vm.paging.evictions > 100
    assert vm.paging.used <= 16


def test_notes_about_tables_start_afresh_where_they_are_many(monkeypatch):
    monkeypatch.setattr(synced_module, "MOST_ORIGINS", 50)
    vm = VM(paging=SyncedShadowPaging(), memory=MEMORY)
    assert differences(vm, "labos", f"workload=churn {SMALL['churn']}") == []


# --- wrong layers, which the test has to catch --------------------------------------------------


class FreeCsrs(TrapAndEmulate):
    """An emulated instruction takes no time."""

    def privileged(self, vcpu, exit):
        reason = super().privileged(vcpu, exit)
        vcpu.s[st.CLOCK] -= 1
        return reason


class NoVirtualPrivilege(TrapAndEmulate):
    """The guest's user may read what its kernel may."""

    def privileged(self, vcpu, exit):
        if exit.reason != Reason.CSR:
            return super().privileged(vcpu, exit)
        priv = vcpu.priv
        vcpu.priv = 1
        reason = super().privileged(vcpu, exit)
        if priv == 0 and vcpu.priv == 1:
            vcpu.priv = 0
        return reason


class NeverDirty(ShadowPaging):
    """The first store to a page that was read before leaves no D bit."""

    def rights(self, vcpu, gpa, pte):
        return super().rights(vcpu, gpa, pte | PTE_D)


class DeafToFences(ShadowPaging):
    """Stale entries stay."""

    def fence(self, asid=None):
        pass

    def fence_page(self, gva, asid=None):
        pass


class BlindToTables(SyncedShadowPaging):
    """Stores to page tables drop nothing."""

    def written(self, gpa, n):
        pass


class Unprotected(SyncedShadowPaging):
    """Page tables can be written without an exit."""

    def protect(self, frame):
        pass

    def rights(self, vcpu, gpa, pte):
        return super().rights(vcpu, gpa, pte) | (PTE_W if pte & PTE_W and pte & PTE_D else 0)


WRONG = [
    (FreeCsrs, ShadowPaging, "labos", "instructions"),
    (NoVirtualPrivilege, ShadowPaging, "labos", "console"),
    (TrapAndEmulate, NeverDirty, "paging", "memory"),
    (TrapAndEmulate, DeafToFences, "labos", "console"),
    (TrapAndEmulate, BlindToTables, "labos", "console"),
    (TrapAndEmulate, Unprotected, "labos", "console"),
]


@pytest.mark.parametrize(
    "cpu, paging, guest, what", WRONG, ids=[f"{a.__name__}-{b.__name__}" for a, b, *_ in WRONG]
)
def test_a_wrong_layer_is_caught(cpu, paging, guest, what):
    vm = VM(cpu=cpu(), paging=paging(), memory=MEMORY)
    assert what in differences(vm, guest)


def test_one_table_for_kernel_and_user_is_caught():
    class OneTable(TrapAndEmulate):
        def regime(self, vcpu):
            return super().regime(vcpu)[0], 0, 0, False, 0

    assert differences(VM(cpu=OneTable(), memory=MEMORY), "labos") != []


RIGHTS = """
    la t0, trapped
    csrw stvec, t0
    li s2, 0x80280000
    li t0, 0x200000cf       # at 2 GiB: RAM, for the kernel
    sd t0, 16(s2)
    li t0, 0x200000c9       # at 1 GiB: the same, X only
    sd t0, 8(s2)
    li t0, 0x200000d3       # at 0: the same, R only, and the user's
    sd t0, 0(s2)
    srli t0, s2, 12
    li t1, 0x8000000000000000
    or t0, t0, t1
    csrw satp, t0
    li s0, 1                # a bit per trap, in order
    li s3, 0x40200000
    li s4, 0x00200000
    j start
    .balign 4
trapped:
    csrr t0, sepc
    addi t0, t0, 4
    csrw sepc, t0
    csrr s5, scause
    ori s0, s0, 1
    sret
start:
    .option norvc
""" + "".join(
    f"slli s0, s0, 1\n li t0, {bit}\n csrr{kind} x0, sstatus, t0\n ld t0, ({base})\n"
    for bit, base in ((st.MXR, "s3"), (st.SUM, "s4")) for kind in "cscs"
) + POWER_OFF


def rights(machine: Machine) -> Outcome:
    return finish(machine.load(program(RIGHTS), boot="s"))


@pytest.mark.parametrize("layers", LAYERS)
def test_rights_that_change_without_a_fence(layers):
    """Setting and clearing MXR and SUM counts at once, also where pages are in a table already."""
    expected = rights(Machine(MEMORY))
    assert expected.registers[0][8] == 0b1_1010_1010 and expected.registers[0][21] == 13
    assert rights(new_vm(layers)).differences(expected) == []


@pytest.mark.parametrize("bit", [st.MXR, st.SUM])
@pytest.mark.parametrize("layers", ["trap, shadow", "trap, synced"])
def test_a_right_left_out_of_the_tables_key_is_caught(layers, bit, monkeypatch):
    right = TrapAndEmulate.regime

    def without(cpu, vcpu):
        satp, priv, flags, *others = right(cpu, vcpu)
        return satp, priv, flags & ~bit, *others

    monkeypatch.setattr(TrapAndEmulate, "regime", without)
    assert "registers" in rights(new_vm(layers)).differences(rights(Machine(MEMORY)))


def test_the_host_keeps_real_time_to_itself():
    """A virtual timer one tick late shows in the counts."""

    class Late(TrapAndEmulate):
        def run(self, vcpu, stop):
            if vcpu.s[st.DEADLINE] < stop:
                vcpu.s[st.DEADLINE] += 10
            return super().run(vcpu, stop)

    assert "clocks" in differences(VM(cpu=Late(), memory=MEMORY), "labos", "workload=ticks n=5")
