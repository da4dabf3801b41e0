"""MicroVMs: the same guest as on a whole board, no way to a device, and clones that are alone."""

import numpy as np
import pytest

from minihv import guests
from minihv.asm import assemble
from minihv.cloud.micro import MicroVM, clone, snapshot
from minihv.devices.virt import Machine
from minihv.errors import ConfigError
from minihv.hw.state import PAGE_DIRTY
from minihv.vmm import VM, HardwareAssist, Host, NestedPaging

MEMORY = 4 << 20
ECHO = """
        li    s0, 0x4442434e        # SBI's debug console
        la    s1, buffer
        li    t0, 1 << 9
        csrw  sie, t0               # input ends a wfi
again:  li    a0, 256
        mv    a1, s1
        li    a2, 0
        li    a6, 1                 # read
        mv    a7, s0
        ecall
        beqz  a1, sleep
        mv    a0, a1
        mv    a1, s1
        li    a2, 0
        li    a6, 0                 # write
        mv    a7, s0
        ecall
        addi  s2, s2, 1
        j     again
sleep:  wfi
        j     again
        .balign 8
buffer:
"""


def echo(**options) -> MicroVM:
    return MicroVM(assemble(ECHO).elf(), boot="s", memory=64 << 10, **options)


def outcome(machine: Machine) -> tuple:
    end = machine.run(20_000_000)
    return end, machine.console.output, machine.instructions, machine.memory.bytes.tobytes()


def test_a_kernel_runs_as_on_the_whole_board():
    append = "workload=churn n=2 pages=2"
    micro = outcome(MicroVM(guests.path("labos"), append=append))
    board = outcome(Machine(MEMORY).load(guests.path("labos"), append=append))
    assert micro == board


def test_input_wakes_the_guest_and_is_all_that_it_waits_for():
    vm = echo()
    assert vm.run().reason == "input"
    before = vm.instructions
    assert vm.run().reason == "input"  # nothing came: it did not even look
    assert vm.instructions == before
    vm.feed(b"one\n")
    assert (vm.run().reason, vm.console.output) == ("input", b"one\n")
    assert vm.instructions > before


def test_there_is_nothing_at_the_addresses_of_devices():
    for address in (0x100000, 0x2000000, 0xC000000, 0x10000000):
        vm = MicroVM(assemble(f"""
            la t0, trap
            csrw stvec, t0
            li t0, {address:#x}
            sb zero, 0(t0)
    trap:   csrr s0, scause
            li a7, 8
            ecall
        """).elf(), boot="s", memory=64 << 10)
        assert vm.run(1000).reason == "exit"
        assert vm.harts[0].x[8] == 7  # store access fault
        assert vm.bus.devices == []


def layers(mode: str) -> dict:
    return {"cpu": HardwareAssist(), "paging": NestedPaging()} if mode == "hardware" else {}


@pytest.mark.parametrize("before", ["trap", "hardware"])
@pytest.mark.parametrize("after", ["trap", "hardware"])
def test_a_clone_goes_on_as_the_original_would(before: str, after: str):
    """Also on other layers: what a snapshot holds is the guest's state and nothing of theirs."""
    vm = MicroVM(guests.path("labos"), append="workload=churn n=3 pages=3", **layers(before))
    vm.run(80_000)
    other = clone(snapshot(vm), **layers(after))
    assert not other.console.sink
    assert outcome(other) == outcome(vm)


def test_a_clone_of_a_whole_board_too():
    vm = VM(guests.path("labos"), memory=MEMORY, append="workload=ticks n=3")
    vm.run(60_000)
    other = clone(snapshot(vm), VM)
    assert outcome(other) == outcome(vm)


def test_clones_share_nothing():
    host = Host(8 << 20)
    first = echo(host=host)
    first.feed(b"warm")
    first.run()
    taken = snapshot(first)
    kept = taken.contents.copy(), taken.saved["console"], taken.saved["harts"][0][0].copy()
    one, two = clone(taken, host=host), clone(taken, host=host)
    for vm, said in ((one, b"left"), (two, b"right"), (one, b"more"), (first, b"home")):
        vm.feed(said)
        vm.run()
    assert one.console.output == b"warmleftmore"
    assert two.console.output == b"warmright"
    assert first.console.output == b"warmhome"
    assert [vm.harts[0].x[18] for vm in (first, one, two)] == [2, 3, 2]
    assert np.array_equal(taken.contents, kept[0])
    assert taken.saved["console"] == kept[1]
    assert np.array_equal(taken.saved["harts"][0][0], kept[2])
    third = clone(taken, host=host)
    assert third.console.output == b"warm"
    assert third.harts[0].x[18] == 1


def test_a_snapshot_holds_only_what_was_touched_and_a_clone_says_what_it_wrote():
    vm = echo()
    vm.run()
    taken = snapshot(vm)
    assert len(taken.frames) == 2  # the program with its buffer, the device tree
    assert taken.size == 2 * 4096
    other = clone(taken)
    assert not (other.memory.flags & PAGE_DIRTY).any()
    other.feed(b"x")
    other.run()
    assert np.flatnonzero(other.memory.flags & PAGE_DIRTY).tolist() == [0]


def test_input_that_was_logged_is_repeated_in_a_clone():
    vm = echo()
    vm.feed(b"a")
    vm.run()
    other = clone(snapshot(vm))
    assert other.input_log == vm.input_log
    other.feed(b"b")
    assert len(other.input_log) == 2
    assert len(vm.input_log) == 1


def test_a_vm_without_a_guest_has_no_snapshot():
    with pytest.raises(ConfigError, match="load one first"):
        snapshot(MicroVM())
