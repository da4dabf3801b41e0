"""The console: the one place where a guest's characters meet the outside world.

The UART, HTIF and the SBI share one Console, so a guest may switch between them mid-boot and
neither loses nor repeats a byte. Output goes two ways (kept, and passed on), input waits in a
queue until a device takes it:

    guest -> device.write -> output (kept) and sink (live, for a terminal)
    caller -> feed -> queue -> device.read -> guest

Nothing here knows about time: whoever logs input (`log_to`) notes the instant. Methods that are
to be called are held weakly, so a console keeps neither its machine nor a device alive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import ismethod
from typing import Any
from weakref import WeakMethod

KEPT = 64 << 20  # bytes of output: a guest that prints forever must not fill the host's memory


@dataclass(frozen=True)
class ConsoleState:
    """A console at one instant: everything written so far, and the input not yet taken."""

    output: bytes
    queued: bytes


class Console:
    """Characters out of the guest (`output`, `sink`) and into it (`feed`, `read`)."""

    def __init__(self, sink: Callable[[bytes], None] | None = None):
        self.sink = sink
        self.starved = False  # a device has looked for input in vain, since who runs it last asked
        self._log: Callable[[], Callable[[bytes], None] | None] = lambda: None
        self._output = bytearray()
        self._queue = bytearray()
        self._listeners: list[Callable[[], Callable[[], None] | None]] = []

    # --- the guest's side: what devices call ---------------------------------------------

    def write(self, data: bytes) -> None:
        """Keep bytes that the guest printed, and hand them to the sink if there is one."""
        self._output += data[: max(0, KEPT - len(self._output))]
        if self.sink is not None and data:
            self.sink(bytes(data))

    def read(self, n: int = 1) -> bytes:
        """Take up to n queued input bytes; b"" when nothing is pending."""
        self.starved |= n > 0 and not self._queue
        taken = bytes(self._queue[: max(n, 0)])
        del self._queue[: len(taken)]
        if taken:
            self._tell()
        return taken

    def pending(self) -> bool:
        """Say whether input waits to be read."""
        return bool(self._queue)

    def queued(self) -> int:
        """Return how many input bytes wait to be read."""
        return len(self._queue)

    def listen(self, callback: Callable[[], None]) -> None:
        """Call `callback()` whenever the amount of queued input has changed.

        A device that raises an interrupt for input settles its line there, also when another
        device took the bytes.
        """
        self._listeners.append(_weakly(callback))

    def log_to(self, callback: Callable[[bytes], None]) -> None:
        """Call `callback(data)` before input is queued, unless it is repeated from the log."""
        self._log = _weakly(callback)

    # --- the outside ---------------------------------------------------------------------

    @property
    def output(self) -> bytes:
        """What the guest has written so far, up to its first KEPT bytes."""
        return bytes(self._output)

    def feed(self, data: bytes, repeated: bool = False) -> None:
        """Queue input for the guest, log it unless it is `repeated`, and tell the listeners."""
        if data:
            log = self._log()
            if log is not None and not repeated:
                log(data)
            self._queue += data
            self._tell()

    def save(self) -> ConsoleState:
        """Return the state for a snapshot; the sink and the listeners are wiring, not state."""
        return ConsoleState(self.output, bytes(self._queue))

    def restore(self, state: ConsoleState) -> None:
        """Return to a saved state; nobody is told, for who listens has a state of its own."""
        self._output = bytearray(state.output)
        self._queue = bytearray(state.queued)

    def _tell(self) -> None:
        for listener in self._listeners:
            callback = listener()
            if callback is not None:
                callback()


def _weakly(callback: Any) -> Callable[[], Any]:
    return WeakMethod(callback) if ismethod(callback) else lambda: callback
