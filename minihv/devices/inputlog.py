"""The input log: what makes a run with input repeatable.

Each piece of input is logged with the instant at which the guest got it. After a snapshot is
restored, the rest of the log is given again, each piece at its instant:

    entries    (120, "ls\\n")     (900, "exit\\n")
                             ^ a snapshot at 500: one is given, and the other follows at 900
"""

from __future__ import annotations

from minihv.devices.console import Console
from minihv.devices.instant import Instant
from minihv.hw.registers import NEVER


class InputLog:
    """All input of a run, in order; the guest has got the first `given` entries.

    New input while others wait starts another history: they are forgotten. `entries` is another
    list from then on, so whoever holds the old one can tell.
    """

    def __init__(self) -> None:
        self.entries: list[tuple[Instant, bytes]] = []
        self.given = 0

    def note(self, now: Instant, data: bytes) -> None:
        """Log new input, which the guest gets now."""
        if self.given < len(self.entries):
            self.entries = self.entries[: self.given]
        self.entries.append((now, data))
        self.given += 1

    def repeat(self, now: Instant, console: Console) -> int:
        """Give again what was logged up to now; return the tick of the next entry, or NEVER."""
        while self.given < len(self.entries):
            instant, data = self.entries[self.given]
            if instant > now:
                return instant.ticks
            self.given += 1
            console.feed(data, repeated=True)
        return NEVER
