"""The board as a list of parts: what the list says is what is there, and nothing else knows."""

import gc
import re
import weakref

import pytest

from minihv import guests
from minihv.asm import assemble
from minihv.devices import plic, uart, virt
from minihv.devices.board import Board, Part
from minihv.devices.console import Console
from minihv.devices.fdt import Node
from minihv.devices.virt import VIRT, Machine
from minihv.errors import ConfigError
from minihv.hw.bus import AccessFault, Device

from .dtb import find, parse

OFF = "li t0, 0x100000; li t1, 0x5555; sw t1, (t0)"


class Counter(Device):
    """Counts its reads, and interrupts from the third on; the least that a part can be."""

    def __init__(self, line):
        self._line = line
        self._state = [0]

    def read(self, offset: int, size: int) -> int:
        self._state[0] += 1
        self.settle()
        return self._state[0]

    def settle(self) -> None:
        self._line(self._state[0] >= 3)


COUNTER = Part(
    "counter", 0x10100000, 0x1000, lambda board: Counter(board.line(20)), 20,
    node=Node("counter", {"compatible": "minihv,counter"}),
)  # fmt: skip


def board() -> Machine:
    return Machine(1 << 20, engine="python", parts=(COUNTER, *VIRT))


def test_the_picture_of_the_memory_map_shows_the_list():
    seen = re.findall(r"(0x[0-9a-f]{8}) (\w+)(?: \(irq (\d+)\))?", virt.__doc__)
    parts = [(f"{part.base:#010x}", part.name, str(part.irq or "")) for part in VIRT]
    assert sorted(seen) == sorted([*parts, ("0x80000000", "RAM", "")])


def test_a_part_is_on_the_bus_in_the_tree_and_at_its_line():
    machine = board().load(assemble("li t0, 0x10100000; lw a0, (t0); lw a0, (t0); " + OFF).elf())
    address = machine.harts[0].x[11]
    tree = parse(machine.memory.read(address, machine.memory.base + (1 << 20) - address))
    assert [node.name for node in find(tree, "/soc").children][:2] == [
        "counter@10100000", "serial@10000000",
    ]  # fmt: skip
    machine.run(1000)
    assert machine.harts[0].x[10] == 2
    pending = machine.devices["plic"]
    assert not pending.read(plic.PENDING, 4)
    machine.bus.read(0x10100000, 4)
    assert pending.read(plic.PENDING, 4) == 1 << 20


def test_a_part_is_saved_and_restored_without_being_named():
    machine = board()
    for _ in range(3):
        machine.bus.read(0x10100000, 4)
    saved = machine.save()
    other = board()
    other.restore(saved)
    assert other.bus.read(0x10100000, 4) == 4
    assert other.devices["plic"].read(plic.PENDING, 4) == 1 << 20
    machine.restore(saved)
    assert machine.bus.read(0x10100000, 4) == 4, "what was saved is a copy"


def test_a_restored_board_is_the_saved_one_whatever_it_was_before():
    """Lines that the parts drive on the way leave no trace."""
    machine, other = Machine(1 << 20, engine="python"), Machine(1 << 20, engine="python")
    for m, typed in ((machine, b"a"), (other, b"")):
        m.bus.write(uart.PART.base + 1, 1, 1)  # interrupt for input
        m.bus.write(plic.PART.base + 4 * 10, 4, 1)
        m.bus.write(plic.PART.base + plic.ENABLE, 4, 1 << 10)
        m.feed(typed)
    for goal, start in ((machine, other), (other, machine)):
        saved, before = goal.save(), start.save()
        start.restore(saved)
        for name in VIRT:
            found = start.devices[name.name].save()
            assert found == goal.devices[name.name].save(), name.name
        assert start.harts[0].csr["mip"] == goal.harts[0].csr["mip"]
        start.restore(before)


def test_a_part_without_a_device_is_named_only():
    machine = Machine(1 << 20, engine="python", parts=(Part("ghost", 0x5000, 8, irq=3),))
    assert machine.devices == {}
    with pytest.raises(AccessFault):
        machine.bus.read(0x5000, 4)


def test_a_line_without_a_controller_and_a_place_that_is_taken_are_refused():
    with pytest.raises(ConfigError, match="interrupt 10 leads nowhere"):
        Machine(1 << 20, engine="python", parts=(uart.PART,))
    with pytest.raises(ValueError, match="overlaps"):
        Machine(1 << 20, engine="python", parts=(*VIRT, COUNTER, COUNTER))


@pytest.mark.parametrize("harts", [1, 3])
@pytest.mark.parametrize("engine", ["python", "jit"])
def test_a_machine_that_nobody_holds_is_gone_at_once(engine, harts):
    """64 MiB each: hundreds of them made in a loop must not wait for the search for cycles."""
    gc.collect()
    gc.disable()
    try:
        machine = Machine(8 << 20, harts, engine).load(guests.path("labos"), append="shell")
        machine.feed(b"echo hi\n")
        machine.run(200_000)
        machine.restore(machine.save())
        gone = [weakref.ref(x) for x in (machine, machine.memory, *machine.devices.values())]
        del machine
        assert [ref() for ref in gone] == [None] * len(gone)
    finally:
        gc.enable()


def test_a_planted_cycle_is_noticed():
    """The control: a part that holds its machine keeps it."""
    gc.disable()
    try:
        machine = Machine(1 << 20, engine="python")
        machine.devices["uart"].machine = machine
        gone = weakref.ref(machine)
        del machine
        assert gone() is not None
    finally:
        gc.enable()


def test_a_console_does_not_keep_those_who_listen():
    console, lines = Console(), []
    plugged = Board(None, console, [])
    plugged.line = lambda irq: lines.append
    device = uart.PART.make(plugged)
    console.feed(b"a")
    assert lines
    del device
    lines.clear()
    console.feed(b"b")
    assert not lines
