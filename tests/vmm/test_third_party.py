"""Programs that no one here wrote and that start in M-mode, on the bare machine and under the VMM.

Firmware from Debian's packages is run where it is installed. A kernel of the reader's own is run
where $MINIHV_M_KERNEL names its ELF file. benchmarks/CONFORMANCE.md tells how to get both.
"""

import os
from pathlib import Path

import pytest

from minihv import guests
from minihv.devices.image import load_image
from minihv.devices.virt import Machine
from minihv.vmm import VM, Reason, TrapAndEmulate
from tests.vmm.central import Outcome, finish

OPENSBI = Path("/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.elf")
U_BOOT = Path("/usr/lib/u-boot/qemu-riscv64/uboot.elf")
VARIABLE = "MINIHV_M_KERNEL"
KERNEL = os.environ.get(VARIABLE, "")
INSTRUCTIONS = int(os.environ.get("MINIHV_M_INSTRUCTIONS", 400_000_000))  # how long it may run
MEMORY = 128 << 20
COMMANDS = b"ls\necho as on the bare machine\n"  # for a shell, if there is one


def needs(path: Path, package: str) -> pytest.MarkDecorator:
    """Skip where a Debian package is not installed."""
    return pytest.mark.skipif(not path.exists(), reason=f"no {path}: apt install {package}")


def with_payload(machine: Machine, payload: str, append: str = "") -> Machine:
    """Put OpenSBI into RAM, and behind it a guest of ours for it to jump to."""
    machine.load(OPENSBI, append=append)
    for address, content, _ in load_image(guests.path(payload).read_bytes()).segments:
        machine.memory.write(address, bytes(content))
    return machine


@needs(OPENSBI, "opensbi")
@pytest.mark.parametrize(("payload", "harts"), [("hello-s", 1), ("labos", 1), ("labos", 2)])
def test_opensbi_boots_a_kernel(payload, harts):
    """OpenSBI keeps M-mode, which is virtual under the VMM, and serves the SBI calls."""
    bare = finish(with_payload(Machine(MEMORY, harts), payload))
    vm = VM(cpu=TrapAndEmulate(), memory=MEMORY, harts=harts)
    assert bare.differences(finish(with_payload(vm, payload))) == []
    console = bare.console.decode()
    assert "OpenSBI v" in console
    last = "12 of 12 tests passed" if payload == "labos" else "memory:   128 MiB at 0x80000000"
    assert last in console
    assert (bare.end.reason, bare.end.exit_status) == ("exit", 0)
    assert bare.calls == {}  # all of them went to OpenSBI
    assert vm.exits[Reason.CSR] > 1000


@needs(OPENSBI, "opensbi")
def test_a_payload_that_differs_is_noticed():
    """The comparison sees one word on the console."""
    bare = finish(with_payload(Machine(MEMORY), "hello-s"))
    other = finish(with_payload(VM(cpu=TrapAndEmulate(), memory=MEMORY), "hello-s", "a word"))
    assert "console" in bare.differences(other)


@needs(U_BOOT, "u-boot-qemu")
def test_u_boot_takes_commands():
    """A boot loader in M-mode: it polls the UART and mtime, and ends by the test finisher."""
    outcomes = []
    for machine in (Machine(MEMORY), VM(cpu=TrapAndEmulate(), memory=MEMORY)):
        machine.load(U_BOOT)
        machine.feed(b" \ncrc32 80000000 1000\npoweroff\n")
        outcomes.append(finish(machine))
    assert outcomes[0].differences(outcomes[1]) == []
    assert b"crc32 for 80000000 ... 80000fff" in outcomes[0].console
    assert outcomes[0].end.reason == "exit"


@pytest.mark.skipif(not KERNEL, reason=f"${VARIABLE} names no ELF of an M-mode kernel")
@pytest.mark.parametrize("harts", [1, 3])
def test_a_kernel_that_starts_in_m_mode(harts):
    outcomes: list[Outcome] = []
    for machine in (Machine(2 * MEMORY, harts), VM(memory=2 * MEMORY, harts=harts)):
        machine.load(KERNEL, boot="m")
        machine.feed(COMMANDS)
        outcomes.append(finish(machine, INSTRUCTIONS))
    assert outcomes[0].differences(outcomes[1]) == []
    assert outcomes[0].console.strip(), "it printed nothing"
