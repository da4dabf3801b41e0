"""The attack surface's counts, held against what is known of each thing counted."""

import math
import os
import sys

import pytest

from minihv.cloud import footprint, surface
from minihv.cloud.instance import Forms
from minihv.cloud.micro import MicroVM
from minihv.containers.linux import seccomp
from minihv.devices.virt import Machine
from minihv.vmm import Host

FILTER = seccomp.program("x86_64")


def test_the_filter_stops_what_it_names_and_nothing_else():
    denied = {numbers[0] for numbers in seccomp.DENIED.values()}
    open_ones = set(surface.system_calls(FILTER))
    assert open_ones == set(surface.system_calls()) - denied - {seccomp.CLONE3}
    assert open_ones < set(surface.system_calls())


def test_the_filter_looks_at_arguments_and_architecture():
    clone = seccomp.CLONE["x86_64"]
    assert surface.run_filter(FILTER, clone) == seccomp.ALLOW
    for bit in (17, 25, 26, 27, 28, 29, 30):  # mnt, cgroup, uts, ipc, user, pid, net
        made = surface.run_filter(FILTER, clone, args=(1 << bit | 17,))
        assert made & 0xFFFF0000 == seccomp.ERRNO, bit
    assert surface.run_filter(FILTER, seccomp.CLONE3) & 0xFFFF0000 == seccomp.ERRNO
    assert surface.run_filter(FILTER, 0, arch=seccomp.ARCH["aarch64"]) == seccomp.KILL
    assert surface.run_filter(FILTER, seccomp.X32) & 0xFFFF0000 == seccomp.ERRNO


def test_a_planted_hole_in_the_filter_is_counted():
    hole = surface.system_calls(seccomp.program("x86_64", allow=("mount",)))
    assert set(hole) - set(surface.system_calls(FILTER)) == {seccomp.DENIED["mount"][0]}


def test_registers_of_the_board_and_of_the_microvm():
    found = surface.registers(Machine(4 << 20, engine="python"))
    assert found["uart"] == 8  # each register of a 16550
    assert found["finisher"] == 1
    assert found["clint"] == 5  # msip, two words each of mtimecmp and mtime
    # 95 priorities; enables (3 words) and threshold of two contexts
    assert found["plic"] == 95 + 2 * (3 + 1)
    assert surface.registers(MicroVM(memory=64 << 10)) == {}


def test_what_a_deprivileged_kernel_reads_is_emulated():
    host = Host(64 << 20)

    def new(image: bytes) -> MicroVM:
        vm = MicroVM(image, boot="s", memory=64 << 10, host=host)
        host._lent.clear()
        return vm

    found = surface.emulated_csrs(new)
    assert {"sstatus", "satp", "sepc", "stvec", "sip", "time"} <= set(found)
    assert not {"mstatus", "hgatp", "fcsr"} & set(found)


def test_hypercalls_are_those_of_the_sbi():
    found = surface.hypercalls()
    assert (0x4442434E, 0) in found
    assert (1, 0) in found
    assert len(found) == len(set(found))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_memory_and_calls_of_a_process():
    with Forms() as forms:
        service = forms.start("process")
        (pid,) = service.pids()
        service.ask(b"x\n")
        before = footprint.calls(pid)
        for _ in range(10):
            service.ask(b"x\n")
        after = footprint.calls(pid)
        assert (after[0] - before[0], after[1] - before[1]) == (10, 10)
        assert 0 < footprint.pss(pid) < 16 << 20
        assert footprint.pss(os.getpid()) > 8 << 20  # bytes: there is a whole Python here
        assert footprint.memory([pid]) > footprint.pss(os.getpid()) // 2
    assert footprint.available() > 1 << 20
    assert math.isnan(footprint.memory([1 << 30]))
    with pytest.raises(Exception, match="does not tell"):
        footprint.pss(1 << 30)
