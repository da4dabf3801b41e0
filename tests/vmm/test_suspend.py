"""SBI HSM: a suspended hart says so to the others, until an interrupt wakes it."""

import pytest

from minihv.asm import assemble
from minihv.devices.virt import Machine
from minihv.vmm import VM
from tests.vmm.modes import MODES

# Hart 0 starts hart 1, which enables its software interrupt and suspends; hart 0 asks for its state
# until that is 4, wakes it by an IPI, and waits until it stops itself. What it saw is in s4, s5.
SOURCE = """
        li a7, 0x48534d         # HSM
        li a6, 0                # hart_start
        li a0, 1
        la a1, other
        ecall
1:      li a0, 1
        li a6, 2                # hart_get_status
        ecall
        mv s4, a1
        li t0, 4
        bne s4, t0, 1b
        li a0, 2                # the mask of harts: hart 1
        li a1, 0
        li a6, 0
        li a7, 0x735049         # send_ipi
        ecall
        li a7, 0x48534d
2:      li a0, 1
        li a6, 2
        ecall
        mv s5, a1
        li t0, 1
        bne s5, t0, 2b
        li a7, 0x53525354       # system_reset
        li a6, 0
        li a0, 0
        li a1, 0
        ecall
        j .
other:  csrwi sie, 2
        li a0, 0                # retentive
        li a6, 3                # hart_suspend
        li a7, 0x48534d
        ecall
        li a6, 1                # hart_stop
        ecall
        j .
"""


def seen(machine: Machine) -> list[int]:
    machine.load(assemble(SOURCE, machine.memory.base).elf(), "s")
    assert machine.run(2_000_000).reason == "exit"
    return [machine.harts[0].x[20], machine.harts[0].x[21]]


def test_bare():
    assert seen(Machine(8 << 20, 2)) == [4, 1]


@pytest.mark.parametrize("mode", MODES)
def test_in_every_mode(mode: str):
    assert seen(VM(memory=8 << 20, harts=2, **MODES[mode]())) == [4, 1]
