"""What a finished run leaves behind, to compare one guest's runs on several machines.

It holds all that a guest or its user could tell two runs apart by. How a run came about (exits,
host memory, time on a clock at the wall) is not in it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

from minihv import guests
from minihv.devices.virt import End, Machine
from minihv.hw.state import TRAPS

BUDGET = 200_000_000  # instructions; only a hang reaches them


@dataclass(frozen=True)
class Outcome:
    """The end of a run, the console, counts, each hart's registers and CSRs, a hash of all RAM."""

    end: End
    console: str
    instructions: int
    clocks: tuple[int, ...]  # of each hart: instructions and idle time
    traps: tuple[int, ...]  # taken inside the guest, by hart
    registers: tuple[tuple[int, ...], ...]  # pc, x1..x31 of each hart
    csrs: tuple[dict[str, int], ...]
    calls: dict[str, int]  # of the firmware, by name
    memory: str

    def differences(self, other: Outcome) -> list[str]:
        """Names of what is not equal; [] where nobody could tell the runs apart."""
        return [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]


def outcome(machine: Machine, guest: str = "labos", append: str = "",
            most: int = BUDGET) -> Outcome:
    """Boot one of the built guests on `machine`, with this command line, and run it to its end."""
    machine.load(guests.path(guest), append=append)
    end = machine.run(most)
    harts = machine.harts
    return Outcome(
        end, bytes(machine.console.output).decode("utf-8", "replace"), machine.instructions,
        tuple(hart.clock for hart in harts), tuple(hart.s[TRAPS] for hart in harts),
        tuple((hart.pc, *(hart.x[i] for i in range(1, 32))) for hart in harts),
        tuple(dict(hart.csr) for hart in harts), dict(machine.calls),
        hashlib.sha256(machine.memory.bytes).hexdigest(),
    )  # fmt: skip
