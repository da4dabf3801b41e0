"""The console: the one place where a guest's characters meet the outside world.

The UART, HTIF and the SBI share one Console, so a guest may switch between them mid-boot and
neither loses nor repeats a byte. Output goes two ways (kept, and passed on), input waits in a
queue until a device takes it:

    guest -> device.write -> output (kept) and sink (live, for a terminal)
    caller -> feed -> queue -> device.read -> guest

Nothing here knows about time. Who listens at `on_feed` logs input with its instruction count,
which is what makes a run with input repeatable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

KEPT = 64 << 20  # bytes of output: a guest that prints for ever must not fill the host's memory


@dataclass(frozen=True)
class ConsoleState:
    """A console at one instant: everything written so far, and the input not yet taken."""

    output: bytes
    queued: bytes


class Console:
    """Characters out of the guest (`output`, `sink`) and into it (`feed`, `read`)."""

    def __init__(self, sink: Callable[[bytes], None] | None = None):
        self.sink = sink
        self.on_feed: Callable[[bytes], None] | None = None  # told of input before it is queued
        self._output = bytearray()
        self._queue = bytearray()
        self._listeners: list[Callable[[], None]] = []

    # --- the guest's side: what devices call ---------------------------------------------

    def write(self, data: bytes) -> None:
        """Keep bytes that the guest printed, and hand them to the sink if there is one."""
        self._output += data[: max(0, KEPT - len(self._output))]
        if self.sink is not None and data:
            self.sink(bytes(data))

    def read(self, n: int = 1) -> bytes:
        """Take up to n queued input bytes; b"" when nothing is pending."""
        taken = bytes(self._queue[: max(n, 0)])
        del self._queue[: len(taken)]
        if taken:
            self._tell()
        return taken

    def pending(self) -> bool:
        """Whether input waits to be read."""
        return bool(self._queue)

    def queued(self) -> int:
        """How many input bytes wait to be read."""
        return len(self._queue)

    def listen(self, callback: Callable[[], None]) -> None:
        """Call `callback()` whenever the amount of queued input has changed.

        A device that raises an interrupt for input recomputes its line there, also when
        another device took the bytes.
        """
        self._listeners.append(callback)

    # --- the outside ---------------------------------------------------------------------

    @property
    def output(self) -> bytes:
        """What the guest has written so far, up to its first KEPT bytes."""
        return bytes(self._output)

    def feed(self, data: bytes, repeated: bool = False) -> None:
        """Queue input for the guest. Devices notice at once; on_feed, unless it is repeated."""
        if data:
            if self.on_feed is not None and not repeated:
                self.on_feed(data)
            self._queue += data
            self._tell()

    def save(self) -> ConsoleState:
        """The state for a snapshot; the sink and the listeners are wiring, not state."""
        return ConsoleState(self.output, bytes(self._queue))

    def restore(self, state: ConsoleState) -> None:
        """Return to a saved state. The sink is not called: it has seen those bytes already."""
        self._output = bytearray(state.output)
        self._queue = bytearray(state.queued)
        self._tell()

    def _tell(self) -> None:
        for callback in self._listeners:
            callback()
