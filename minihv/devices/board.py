"""The board: what a machine's parts are wired to, and how a part says where it goes.

    Part (a line in a machine's list)                          Board (one per machine)
    name, base, size, irq ----> bus, device tree               harts, memory, console
    make(board) --------------> Device: read, write, save      line(irq), shutdown, hart

A part is declared in the file of its device. Nothing here refers to a device or to a machine but
`line`, so a machine that nobody holds is gone at once, without a search for cycles.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from minihv.devices.console import Console
from minihv.devices.fdt import Node
from minihv.devices.instant import End
from minihv.errors import ConfigError
from minihv.hw import state as st
from minihv.hw.bus import Device
from minihv.hw.hart import Hart
from minihv.hw.inspect import peek_virtual
from minihv.hw.memory import Memory

PHANDLE_PLIC, PHANDLE_FINISHER, PHANDLE_HARTS = 1, 2, 3  # two handles for each hart, to be last

EXITS = 8  # see Board.late

Line = Callable[[bool], None]  # drives an interrupt line high or low


@dataclass(frozen=True)
class Part:
    """One part of a board.

    `name` is the key of its device in `Machine.devices` and of its state in snapshots. Its
    registers are the `size` bytes from gpa `base` on (size 0: none). `make` returns its device,
    wired to the board; None if the device tree names it but it is not there. `irq` is the number
    of its line at the interrupt controller, 0 for none; `drives` are the bits of each hart's mip
    that it drives itself. `node` is its node below /soc, to which the tree adds address and
    interrupts; `root_nodes` are nodes beside /soc.
    """

    name: str
    base: int = 0
    size: int = 0
    make: Callable[[Board], Device] | None = None
    irq: int = 0
    drives: tuple[int, ...] = ()
    node: Node | None = None
    root_nodes: tuple[Node, ...] = ()


class Board:
    """What devices and firmware act on: RAM, console, harts; whose turn it is; how it ended.

    `line` gives the Line of an interrupt source. The part that is the controller puts it here, and
    is made before the parts that interrupt.
    """

    def __init__(self, memory: Memory, console: Console, harts: list[Hart]):
        self.memory, self.console, self.harts = memory, console, harts
        self.turn = 0  # the number of the hart that runs
        self.ended: End | None = None  # how the guest ended itself
        self._deadline = math.inf  # of the run, in seconds of the thread's processor time
        self._asked = 0
        self.line: Callable[[int], Line] = _no_line

    @property
    def hart(self) -> Hart:
        """The hart whose turn it is: an access that a device sees is this one's."""
        return self.harts[self.turn]

    def allow(self, seconds: float) -> None:
        """Give the run that begins so much of the thread's processor time."""
        self._deadline = math.inf if seconds == math.inf else time.thread_time() + seconds
        self._asked = 0

    def late(self) -> bool:
        """Return whether that time is over; to be asked after each exit.

        A look at the clock costs a tenth of an exit, so only one question in EXITS leads to one.
        """
        if self._deadline == math.inf:
            return False
        self._asked += 1
        if self._asked % EXITS == 0 and time.thread_time() >= self._deadline:
            self._deadline = -math.inf
        return self._deadline == -math.inf

    def shutdown(self, exit_status: int, reason: str = "exit") -> None:
        """End the guest, for the `reason` "exit" or "reset"."""
        self.ended = End(reason, exit_status)

    def load_virtual(self, hart: Hart, gva: int) -> int | None:
        """Return the doubleword at a guest-virtual address, for legacy SBI calls.

        None after a page fault; the guest gets it with sepc at its ECALL (SBI 2.0, chapter 5).
        """
        value = peek_virtual(hart, gva, 8)
        if value is None:
            hart.pc -= 4
            hart.take_trap(st.LOAD_PAGE_FAULT, gva)
        return value


def _no_line(irq: int) -> Line:
    raise ConfigError(f"interrupt {irq} leads nowhere: this board has no interrupt controller")
