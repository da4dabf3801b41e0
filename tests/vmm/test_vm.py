"""A VM's seams, several VMs on one host, and what a guest cannot do to others."""

import gc
from collections import Counter

import pytest

from minihv import guests
from minihv.asm import assemble
from minihv.devices.virt import Machine
from minihv.errors import ConfigError, MinihvError
from minihv.hw import state as st
from minihv.hw.bus import AccessFault
from minihv.vmm import (
    VM,
    HardwareAssist,
    Hypervisor,
    NestedPaging,
    Reason,
    ShadowPaging,
    SyncedShadowPaging,
    TrapAndEmulate,
    VMExit,
)
from minihv.vmm.host import GARBAGE, HOSTS
from minihv.vmm.run import MODES as NAMED
from minihv.vmm.run import PAGINGS, PAIRS, new_machine
from minihv.vmm.sched import RoundRobin
from tests.vmm.central import finish
from tests.vmm.modes import MODES

MEMORY = 16 << 20
CHURN = "workload=churn n=20 pages=3"
LAYERS = [
    (TrapAndEmulate, ShadowPaging),
    (TrapAndEmulate, SyncedShadowPaging),
    (HardwareAssist, SyncedShadowPaging),
    (HardwareAssist, NestedPaging),
]
POWER_OFF = "\n li a7, 0x53525354\n li a6, 0\n li a0, 0\n li a1, 0\n ecall\n"


def program(text: str) -> bytes:
    return bytes(assemble(text, st.RAM_BASE).data)


# --- seams --------------------------------------------------------------------------------------


def test_exits_are_counted_and_logged():
    vm = VM(guests.path("labos"), memory=MEMORY, append=CHURN)
    vm.run()
    assert vm.exits[Reason.CALL] == sum(vm.calls.values()) > 0
    assert vm.exits[Reason.FAULT] > 0
    last = vm.exits.log[-1]
    assert (last.reason, last.cause) == (Reason.CALL, st.ECALL_U)
    assert sum(vm.exits.values()) >= len(vm.exits.log)


def test_an_observer_sees_each_exit_and_changes_nothing():
    quiet = VM(guests.path("labos"), memory=MEMORY, append=CHURN)
    vm = VM(guests.path("labos"), memory=MEMORY, append=CHURN)
    seen: list[VMExit] = []

    @vm.on(Reason.FENCE)
    def fence(vcpu, exit):
        seen.append(exit)

    assert finish(quiet).differences(finish(vm)) == []
    assert len(seen) == vm.exits[Reason.FENCE] == quiet.exits[Reason.FENCE] > 0
    assert {exit.instruction & 0xFE00707F for exit in seen} == {0x12000073}


def test_observers_of_every_exit_do_not_replace_each_other():
    vm = VM(guests.path("labos"), memory=MEMORY, append=CHURN)
    told: Counter[str] = Counter()

    @vm.on()
    def count(vcpu, exit):
        told[exit.reason] += 1

    @vm.on(Reason.CSR, Reason.FENCE)
    def again(vcpu, exit):
        told["again"] += 1

    vm.run()
    assert told.pop("again") == vm.exits[Reason.CSR] + vm.exits[Reason.FENCE] > 0
    assert told == vm.exits


def test_observers_outlive_a_step_back():
    vm = VM(guests.path("labos"), memory=MEMORY, append=CHURN)
    seen: list[VMExit] = []
    vm.on(Reason.FENCE)(lambda vcpu, exit: seen.append(exit))
    saved, ram = vm.save(), vm.memory.read(vm.memory.base, MEMORY)
    for _ in range(2):
        vm.run()
        assert len(seen) == vm.exits[Reason.FENCE] > 0
        seen.clear()
        vm.restore(saved)
        vm.memory.write(vm.memory.base, ram)


def test_an_observer_can_handle_an_exit():
    code = program(f"csrr s0, sscratch\n csrr s1, sscratch{POWER_OFF}")
    vm = VM(code, memory=MEMORY, boot="s")

    @vm.on("csr")
    def answer(vcpu, exit):
        vcpu.x[exit.instruction >> 7 & 31] = 42
        vcpu.retire(4)
        return True

    vm.run(1000)
    assert (vm.harts[0].x[8], vm.harts[0].x[9]) == (42, 42)


def test_a_learners_method_replaces_ours():
    class Counting(ShadowPaging):
        filled = 0

        def fill(self, vcpu, gva, gpa):
            self.filled += 1
            super().fill(vcpu, gva, gpa)

    paging = Counting()
    vm = VM(guests.path("hello-s"), paging=paging, memory=MEMORY)
    vm.run()
    assert paging.filled == vm.exits[Reason.FILL] > 0


def test_a_layer_that_gets_nowhere_is_named():
    class Empty(ShadowPaging):
        def fill(self, vcpu, gva, gpa):
            pass

    vm = VM(guests.path("hello-s"), paging=Empty(), memory=MEMORY)
    with pytest.raises(MinihvError, match=r"does not get on; the last was fill .*0x80200000"):
        vm.run()


def test_breakpoints_watchpoints_and_steps():
    stops = []
    for machine in (Machine(MEMORY), VM(memory=MEMORY), VM(cpu=HardwareAssist(), memory=MEMORY)):
        machine.load(guests.path("labos"), append=CHURN)
        machine.run(1000)
        pc = machine.harts[0].pc
        machine.stops.add_breakpoint(pc)
        ends = [machine.run(100_000) for _ in range(3)]
        machine.stops.remove_breakpoint(pc)
        ends += [machine.step(50), machine.run(12_345, at_traps=True)]
        stops.append((ends, machine.instant, pc, machine.harts[0].pc))
    assert stops[0] == stops[1] == stops[2]


@pytest.mark.parametrize("cpu, paging", LAYERS)
def test_save_and_restore(cpu, paging):
    vm = VM(guests.path("labos"), cpu(), paging(), memory=MEMORY, append=CHURN)
    vm.run(150_000)
    saved, ram = vm.save(), vm.memory.read(vm.memory.base, MEMORY)
    first = finish(vm)
    vm.restore(saved)
    vm.memory.write(vm.memory.base, ram)
    assert finish(vm).differences(first) == []


@pytest.mark.parametrize("cpu, paging", LAYERS)
def test_a_vm_goes_on_elsewhere(cpu, paging):
    """Saved on one host, restored on another where its memory lies somewhere else."""
    vm = VM(guests.path("labos"), cpu(), paging(), memory=MEMORY, append=CHURN)
    vm.run(150_000)
    saved, ram = vm.save(), vm.memory.read(vm.memory.base, MEMORY)
    there = Hypervisor(64 << 20)
    there.lend(8 << 20)
    other = there.create(cpu=cpu(), paging=paging(), memory=MEMORY)
    other.load(guests.path("labos"), append=CHURN)
    other.memory.write(vm.memory.base, ram)
    other.restore(saved)
    assert other.memory.offset != vm.memory.offset
    assert finish(other).differences(finish(vm)) == []


# --- modes --------------------------------------------------------------------------------------


def test_modes_by_name():
    assert type(new_machine("bare", memory=MEMORY)) is Machine
    vm = new_machine("trap", "synced", memory=MEMORY)
    assert isinstance(vm, VM) and isinstance(vm.paging, SyncedShadowPaging)
    vm = new_machine("hardware", memory=MEMORY)
    assert isinstance(vm.cpu, HardwareAssist) and isinstance(vm.paging, NestedPaging)
    for arguments, text in (
        (("hard",), "mode 'hard': choose bare or trap or hardware"),
        (("trap", "flat"), f"paging 'flat': choose {' or '.join(PAGINGS)}"),
        (("trap", "nested"), "nested paging needs the H extension's second stage"),
        (("bare", "shadow"), "a bare machine has no paging"),
    ):
        with pytest.raises(ConfigError, match=text):
            new_machine(*arguments)


@pytest.mark.parametrize("mode", NAMED)
def test_the_table_of_modes_names_the_pairs_that_work_and_the_default(mode):
    working = []
    for paging in PAGINGS:
        try:
            working.append((mode, paging, type(new_machine(mode, paging, memory=4096).paging)))
        except ConfigError:
            pass
    assert {pair[:2] for pair in working} == {pair for pair in PAIRS if pair[0] == mode}
    assert all(kind is PAGINGS[paging].paging for _, paging, kind in working)
    if working:
        first = PAGINGS[NAMED[mode].pagings[0]].paging
        assert type(new_machine(mode, memory=4096).paging) is first


def test_bad_sizes():
    for call, text in (
        (lambda: ShadowPaging(4), "give 16 or more"),
        (lambda: VM(memory=5000), "multiple of 4096"),
        (lambda: Hypervisor(MEMORY).create(memory=2 * MEMORY), "no 32768 KiB of memory left"),
        (lambda: VM(memory=MEMORY, harts=99), "99 harts"),
    ):
        with pytest.raises(ConfigError, match=text):
            call()


# --- protected frames ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_each_store_to_a_protected_frame_is_an_exit_and_nothing_else_changes(mode):
    """Protected while it is mapped; its page table, which the walker marks; released again."""
    image = program(
        """
        li   t0, 0x80210000       # the root: its entry 2 leads to a table of 2 MiB pages
        li   t1, 0x20084401
        sd   t1, 16(t0)
        li   t2, 0x80211000
        li   t1, 0x2008000f       # where we are; A and D are still to be set
        sd   t1, 8(t2)
        li   s0, 0x80220000
        sd   zero, (s0)
        li   s1, 300
    again:
        ld   t1, (s0)
        addi t1, t1, 1
        sd   t1, (s0)
        addi s1, s1, -1
        bnez s1, again
        csrr t4, satp
        bnez t4, 1f
        srli t3, t0, 12
        li   t4, 8 << 60
        or   t3, t3, t4
        csrw satp, t3
        li   s1, 300
        j    again
    1:
    """
        + POWER_OFF
    )
    bare = finish(Machine(MEMORY).load(image, boot="s"))
    vm = VM(image, memory=MEMORY, boot="s", **MODES[mode]())
    vm.run(100)
    assert not vm.exits[Reason.TABLE]
    vm.memory.protect(0x220, "one")
    vm.memory.protect(0x220, "two")
    vm.memory.protect(0x211, "table")
    vm.run(300)
    there = vm.exits[Reason.TABLE]
    assert 60 <= there <= 80
    vm.memory.release(0x220, "one")
    vm.run(300)
    assert there < vm.exits[Reason.TABLE]
    vm.memory.release(0x220, "two")
    assert finish(vm).differences(bare) == []
    assert vm.exits[Reason.TABLE] < 300


# --- several VMs --------------------------------------------------------------------------------


def test_vms_side_by_side_end_as_alone():
    appends = [f"workload={name} n=20" for name in ("churn", "pingpong", "ticks", "forks")]
    hypervisor = Hypervisor(5 * MEMORY, harts=3, scheduler=RoundRobin(5_000))
    vms = [
        hypervisor.create(
            guests.path("labos"), cpu=cpu(), paging=paging(), memory=MEMORY, append=append,
            harts=1 + i % 2,
        )
        for i, (append, (cpu, paging)) in enumerate(zip(appends, LAYERS, strict=True))
    ]  # fmt: skip
    hypervisor.run()
    for vm, append in zip(vms, appends, strict=True):
        alone = Machine(MEMORY, len(vm.harts)).load(guests.path("labos"), append=append)
        assert finish(vm).differences(finish(alone)) == []


def test_a_destroyed_vm_gives_all_back():
    hypervisor = Hypervisor(MEMORY)
    frames = hypervisor.frames_left
    for cpu, paging in LAYERS:
        vm = hypervisor.create(guests.path("hello-s"), cpu=cpu(), paging=paging(), memory=MEMORY)
        hypervisor.run()
        assert vm.console.output and hypervisor.frames_left < frames
        hypervisor.destroy(vm)
        assert hypervisor.frames_left == frames
        assert not hypervisor.memory.bytes[vm.memory.offset :].any()


HOSTILE = """
    la t0, next
    csrw stvec, t0
    li s0, 0            # what it could read beyond its RAM
    li s1, 0x0          # physical address to try, by way of a gigapage that maps it
    li s2, 0x80010000   # root of the page tables
    li s3, 0x40000
try:
    srli t1, s1, 12
    slli t1, t1, 10
    ori t1, t1, 0xcf    # V R W X A D
    sd t1, 8(s2)        # at gva 0x40000000
    li t2, 0x200000cf
    sd t2, 16(s2)       # its own RAM where it was
    srli t3, s2, 12
    li t4, 8
    slli t4, t4, 60
    or t3, t3, t4
    csrw satp, t3
    sfence.vma
    li t5, 0x40000000
    li t6, 0x01000000
    add t5, t5, t6      # in every gigapage: behind the guest's own 16 MiB
    ld a0, 0(t5)
    or s0, s0, a0
    sd t5, 0(t5)
    .balign 4
next:
    li t1, 0x40000000
    add s1, s1, t1
    addi s3, s3, -1024
    bnez s3, try
    csrw satp, zero
"""


@pytest.mark.parametrize("cpu, paging", LAYERS)
def test_a_guest_reaches_nothing_but_its_own(cpu, paging):
    """It maps all of physical memory, up to 256 GiB, and reads and writes behind its RAM."""
    image = program(HOSTILE + POWER_OFF)
    hypervisor = Hypervisor(3 * MEMORY, scheduler=RoundRobin(3_000))
    victim = hypervisor.create(guests.path("labos"), memory=MEMORY, append=CHURN)
    hostile = hypervisor.create(image, cpu=cpu(), paging=paging(), memory=MEMORY, boot="s")
    neighbour = hypervisor.lend(MEMORY)
    hypervisor.run()
    alone = Machine(MEMORY).load(image, boot="s")
    assert finish(hostile).differences(finish(alone)) == []
    assert hostile.harts[0].x[8] == 0
    assert finish(victim).end.reason == "exit"
    bare = Machine(MEMORY).load(guests.path("labos"), append=CHURN)
    assert finish(victim).differences(finish(bare)) == []
    assert not neighbour.bytes.any()


def test_a_window_ends_where_it_ends():
    vm = VM(memory=MEMORY)
    with pytest.raises(AccessFault):
        vm.memory.read(vm.memory.base + MEMORY - 4, 8)
    with pytest.raises(AccessFault):
        vm.memory.write(vm.memory.base - 8, b"12345678")
    assert vm.memory.offset > 0  # so that a gpa taken for an hpa shows


@pytest.mark.parametrize("cpu, paging", [LAYERS[0], LAYERS[-1]])
def test_a_leak_is_caught(cpu, paging):
    class Leaky(paging):
        def obstacle(self, vcpu, gva, gpa, access):
            return None

    image = program(HOSTILE + POWER_OFF)
    hypervisor = Hypervisor(3 * MEMORY)
    hostile = hypervisor.create(image, cpu=cpu(), paging=Leaky(), memory=MEMORY, boot="s")
    hypervisor.lend(MEMORY)
    alone = Machine(MEMORY).load(image, boot="s")
    assert finish(hostile).differences(finish(alone)) != []


# --- the kind of machine ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("misaligned", [True, False])
def test_a_machine_without_misaligned_accesses_has_none_in_any_mode(mode, misaligned):
    """Whether the guest's next load and store trap follows the VM, not the physical hart."""
    image = program(
        """
        la    t0, trapped
        csrw  stvec, t0
        li    s0, 0
        la    a0, data + 1
        ld    a1, (a0)
        sd    a1, 8(a0)
        j     end
        .balign 4
    trapped:
        addi  s0, s0, 1
        csrr  t0, sepc
        addi  t0, t0, 4
        csrw  sepc, t0
        sret
        .balign 8
    data:
        .dword 0x1122334455667788, 0, 0
    end:
    """
        + POWER_OFF
    )
    bare = Machine(MEMORY, misaligned=misaligned).load(image, boot="s")
    vm = VM(memory=MEMORY, misaligned=misaligned, **MODES[mode]()).load(image, boot="s")
    assert finish(vm, 1000).differences(finish(bare, 1000)) == []
    assert vm.harts[0].x[8] == (0 if misaligned else 2)


@pytest.mark.parametrize("mode", MODES)
def test_what_hs_and_vs_share_belongs_to_the_guest_across_exits(mode):
    """scounteren is there once for both, and sip's software bit stands elsewhere in VS-mode."""
    call = "li a7, 0x10\n li a6, 0\n ecall\n"
    image = program(
        f"""
        csrr  s1, scounteren
        li    t0, 2
        csrs  sip, t0
        {call}
        csrr  s2, sip
        csrc  sip, t0
        {call}
        csrr  s3, sip
    """
        + POWER_OFF
    )
    machines = [Machine(MEMORY), VM(memory=MEMORY, **MODES[mode]())]
    for machine in machines:
        machine.load(image, boot="s").harts[0].csr["scounteren"] = 5
    bare, vm = (finish(machine, 1000) for machine in machines)
    assert vm.differences(bare) == []
    assert [machines[1].harts[0].x[n] for n in (9, 18, 19)] == [5, 2, 0]


def test_vms_made_in_a_loop_do_not_pile_up():
    """Each is part of a cycle; the collector is called when they hold too much, not by chance."""
    gc.collect()
    gc.disable()
    try:
        before = sum(there.memory.size for there in list(HOSTS))
        for _ in range(40):
            VM(memory=64 << 20)
        assert sum(there.memory.size for there in list(HOSTS)) <= 2 * before + 2 * GARBAGE
    finally:
        gc.enable()
