"""The central test: one guest, run bare and under a hypervisor, must end in the same state.

`Outcome` is all that a guest or its user could tell two runs apart by. How it came about (exits,
host memory, wall time) is not in it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

from minihv import guests
from minihv.devices.virt import End, Machine
from minihv.hw.state import TRAPS

BUDGET = 50_000_000  # instructions; only a hang reaches them


@dataclass(frozen=True)
class Outcome:
    """What a finished run leaves behind."""

    end: End
    console: bytes
    instructions: int
    clocks: tuple[int, ...]  # of each hart: instructions and idle time
    traps: tuple[int, ...]  # taken inside the guest, by hart
    registers: tuple[tuple[int, ...], ...]  # pc, x1..x31 of each hart
    csrs: tuple[dict[str, int], ...]
    calls: dict[str, int]  # of the firmware, by name
    memory: str  # hash of the guest's RAM

    def differences(self, other: Outcome) -> list[str]:
        """Names of what is not equal."""
        return [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]


def outcome(machine: Machine, guest: str, append: str = "", budget: int = BUDGET) -> Outcome:
    """Boot a built guest on `machine` and run it to its end."""
    machine.load(guests.path(guest), append=append)
    return finish(machine, budget)


def finish(machine: Machine, budget: int = BUDGET) -> Outcome:
    """Run a loaded machine to its end."""
    end = machine.run(budget)
    harts = machine.harts
    return Outcome(
        end,
        machine.console.output,
        machine.instructions,
        tuple(hart.clock for hart in harts),
        tuple(hart.s[TRAPS] for hart in harts),
        tuple((hart.pc, *(hart.x[i] for i in range(1, 32))) for hart in harts),
        tuple(dict(hart.csr) for hart in harts),
        dict(machine.calls),
        hashlib.sha256(machine.memory.bytes).hexdigest(),
    )
