"""HTIF: the host-target interface, two 64-bit words in the guest's own memory.

The guest stores a request to `tohost`; the host acts, clears `tohost`, and puts the answer, if
there is one, into `fromhost`. A word is device (bits 63:56), command (55:48), payload (47:0):

    device 1, command 1    print the payload's low byte
    device 1, command 0    ask for a character; once there is one, it answers 0x100 | byte
    odd                    exit with tohost >> 1
    even                   address of a system call: eight 64-bit words, number and a0..a6;
                           the result replaces the first word, then fromhost becomes 1

The protocol has no specification; this follows the RISC-V instruction-set simulator's source.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from minihv.devices.board import Board, Part
from minihv.devices.console import Console
from minihv.hw import state as st
from minihv.hw.bus import AccessFault, Device
from minihv.hw.memory import PAGE, Memory

CONSOLE_DEVICE, READ_CHARACTER, WRITE_CHARACTER = 1, 0, 1
SYS_WRITE, SYS_EXIT = 64, 93
EBADF, EFAULT, ENOSYS = 9, 14, 38
MAX_STATUS = 255
MAX_TRANSFER = 1 << 16  # bytes that one call writes
MAX_ANSWERS = 64  # that wait: a guest which never fetches them gets no more
PAYLOAD = (1 << 48) - 1


@dataclass
class HtifState:
    """Characters the guest asked for and has not got, and answers that wait for fromhost."""

    wanted: int = 0
    answers: list[int] = field(default_factory=list)


class Htif(Device):
    """One HTIF. `tohost` and `fromhost` are guest physical addresses (fromhost may be absent).

    On the bus it is the doubleword tohost, which is RAM: stores land there and are then looked
    at. Stores to fromhost are not noticed. `stop(exit_status, "exit")` ends the run.
    """

    _state: HtifState

    def __init__(
        self,
        console: Console,
        memory: Memory,
        stop: Callable[[int, str], None],
        tohost: int,
        fromhost: int | None = None,
    ):
        self.console, self.memory = console, memory
        self.tohost, self.fromhost = tohost, fromhost
        self._stop = stop
        self._state = HtifState()
        console.listen(self._answer)

    def read(self, offset: int, size: int) -> int:
        """Return what RAM holds."""
        return int.from_bytes(self.memory.read(self.tohost + offset, size), "little")

    def write(self, offset: int, size: int, value: int) -> None:
        """Store, then look at the whole doubleword."""
        self.memory.write(self.tohost + offset, value.to_bytes(size, "little"))
        self.poke(self.read(0, 8))

    def poke(self, value: int) -> None:
        """Serve the request `value`; 0 is none, but lets waiting answers through."""
        value &= (1 << 64) - 1
        device, command, payload = value >> 56, value >> 48 & 0xFF, value & PAYLOAD
        if device == CONSOLE_DEVICE and command in (READ_CHARACTER, WRITE_CHARACTER):
            self._acknowledge()
            self._console(command, payload)
        elif value & 1:
            self._stop(min(value >> 1, MAX_STATUS), "exit")
        elif value:
            self._acknowledge()
            if device == command == 0:
                self._system_call(payload)
        self._answer()

    def _acknowledge(self) -> None:
        self._put(self.tohost, 0)

    def _console(self, command: int, payload: int) -> None:
        if command == WRITE_CHARACTER:
            self.console.write(bytes([payload & 0xFF]))
        else:
            self._state.wanted += 1

    def _answer(self) -> None:
        """Move answers into fromhost, each only when the guest has taken the one before."""
        s = self._state
        wanted = s.wanted
        s.wanted -= min(wanted, self.console.queued())  # first: the console tells us of reading
        for byte in self.console.read(wanted):
            s.answers.append(CONSOLE_DEVICE << 56 | READ_CHARACTER << 48 | 0x100 | byte)
        if s.answers and self.fromhost is not None and not self._get(self.fromhost):
            self._put(self.fromhost, s.answers.pop(0))

    def _system_call(self, block: int) -> None:
        """Run the system call whose eight words are at guest physical address `block`."""
        try:
            number, *args = struct.unpack("<8Q", self.memory.read(block, 64))
            if number == SYS_EXIT:
                return self._stop(min(args[0] & (1 << 32) - 1, MAX_STATUS), "exit")
            result = self._sys_write(*args[:3]) if number == SYS_WRITE else -ENOSYS
            self.memory.write(block, struct.pack("<q", result))
        except AccessFault:
            pass  # no block, no result; the guest still gets its acknowledgement
        if len(self._state.answers) < MAX_ANSWERS:
            self._state.answers.append(1)

    def _sys_write(self, descriptor: int, address: int, n: int) -> int:
        """Be write(2): return bytes written, maybe fewer than asked for, or a negative errno."""
        if descriptor not in (1, 2):
            return -EBADF
        part = min(n, MAX_TRANSFER)
        try:
            self.memory.read(address + max(n, 1) - 1, 1)  # all of it must be memory
            self.console.write(self.memory.read(address, part))
        except AccessFault:
            return -EFAULT
        return part

    def _get(self, gpa: int) -> int:
        try:
            return int.from_bytes(self.memory.read(gpa, 8), "little")
        except AccessFault:
            return 0

    def _put(self, gpa: int, value: int) -> None:
        """Store a word; symbols that point outside RAM must not end the host."""
        try:
            self.memory.write(gpa, struct.pack("<Q", value))
        except AccessFault:
            pass


def parts(symbols: Mapping[str, int], memory: Memory) -> list[Part]:
    """Return the HTIF that a guest's image asks for: none without a symbol `tohost` in RAM."""
    tohost = symbols.get("tohost", -1)
    if not memory.base <= tohost <= memory.base + memory.size - 8:
        return []

    def make(board: Board) -> Htif:
        board.memory.flags[(tohost - memory.base) // PAGE] |= st.PAGE_SLOW
        for hart in board.harts:
            hart.s[st.TOHOST] = tohost
        return Htif(board.console, board.memory, board.shutdown, tohost, symbols.get("fromhost"))

    return [Part("htif", tohost, 8, make)]
