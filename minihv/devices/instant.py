"""Points of a run, and why it stopped at one.

All harts share one clock, but within a round (see `rounds`) each has its own; what never goes back
is the sum, `ticks`. A trap moves no clock, so traps are counted beside it:

               add        ld: a page fault       csrrw: the handler begins
    ticks   100     101                    101                            102
    traps     7       7                      8                              8
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Instant(NamedTuple):
    """A point of a run: `ticks` of all harts' clocks together, and traps and calls taken by then.

    For one hart, ticks is its clock. Instants compare in the order of the run.
    """

    ticks: int
    traps: int = 0


@dataclass(frozen=True)
class End:
    """Why a run returned.

    `reason` is "exit" or "reset" (the guest ended itself, with `exit_status` 0..255), "budget"
    (max_instructions ran out), "deadlock" (every hart waits for an event that cannot come),
    "input" (every hart waits, and input could wake one), "breakpoint", "watchpoint", "trap" (a step
    ended in one), "lost" (on a host that is not virtualizable, see Host: the guest takes trap
    after trap and executes nothing), or "failed" (a hypervisor's layer could not go on).
    """

    reason: str
    exit_status: int | None = None
