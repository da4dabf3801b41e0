"""The SiFive test finisher: a guest ends its machine by one 32-bit store.

    bits 15:0    0x5555 pass, 0x3333 fail, 0x7777 reset
    bits 31:16   the exit code of a failure

The device tree presents it as a syscon with `poweroff` (pass) and `reboot` (reset) nodes.
"""

from __future__ import annotations

from collections.abc import Callable

PASS, FAIL, RESET = 0x5555, 0x3333, 0x7777
MAX_STATUS = 255


class Finisher:
    """`stop(exit_status, reason)` ends the run: reason "exit", or "reset" for a reboot.

    It keeps no state, so a snapshot has nothing to save.
    """

    size = 0x1000

    def __init__(self, stop: Callable[[int, str], None]):
        self._stop = stop

    def read(self, offset: int, size: int) -> int:
        """Always 0."""
        return 0

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
