"""The SiFive test finisher: a guest ends its machine by one 32-bit store.

    bits 15:0    0x5555 pass, 0x3333 fail, 0x7777 reset
    bits 31:16   the exit code of a failure

The device tree presents it as a syscon, with a node for pass (poweroff) and for reset (reboot).
"""

from __future__ import annotations

from collections.abc import Callable

from minihv.devices.board import PHANDLE_FINISHER, Part
from minihv.devices.fdt import Node
from minihv.hw.bus import Device

PASS, FAIL, RESET = 0x5555, 0x3333, 0x7777
MAX_STATUS = 255


class Finisher(Device):
    """`stop(exit_status, reason)` ends the run: reason "exit", or "reset" for a reboot."""

    def __init__(self, stop: Callable[[int, str], None]):
        self._stop = stop

    def write(self, offset: int, size: int, value: int) -> None:
        """Act on a command at offset 0; other offsets and other commands do nothing."""
        if offset != 0:
            return
        command, code = value & 0xFFFF, value >> 16 & 0xFFFF
        if command == PASS:
            self._stop(0, "exit")
        elif command == FAIL:
            # A failure must never look like success to a shell: code 0 counts as 1.
            self._stop(min(max(code, 1), MAX_STATUS), "exit")
        elif command == RESET:
            self._stop(0, "reset")


def _syscon(name: str, value: int) -> Node:
    """Return the node that tells a kernel to write `value` to the finisher."""
    props = {"value": value, "offset": 0, "regmap": PHANDLE_FINISHER}
    return Node(name, {**props, "compatible": f"syscon-{name}"})


PART = Part(
    "finisher", 0x100000, 0x1000, lambda board: Finisher(board.shutdown),
    node=Node("test", {
        "compatible": ["sifive,test1", "sifive,test0", "syscon"], "phandle": PHANDLE_FINISHER,
    }),
    root_nodes=(_syscon("poweroff", PASS), _syscon("reboot", RESET)),
)  # fmt: skip
