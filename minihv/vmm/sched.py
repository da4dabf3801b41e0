"""Which hart runs which VCPU, and for how long: the one seam for schedulers.

A guest cannot tell. Its board gives each VCPU the same slice of the guest's own time in a fixed
order; a scheduler says when the VM goes on with that, and on which harts of the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from minihv.vmm.host import PhysicalHart
    from minihv.vmm.vm import VM

TURN = 100_000  # instructions


class Turn(NamedTuple):
    """Let `vm` execute up to `length` instructions, its VCPU k on harts[k % len(harts)]."""

    vm: VM
    harts: Sequence[PhysicalHart]
    length: int


class Scheduler(Protocol):
    """Says who is next, whenever a turn has ended."""

    def next(self, vms: Sequence[VM], harts: Sequence[PhysicalHart]) -> Turn:
        """Return a turn of one of `vms`: all that can go on, the longest waiting first."""


class RoundRobin:
    """Equal turns of `length` instructions, one after the other; a VCPU stays on its hart."""

    def __init__(self, length: int = TURN):
        self.length = length

    def next(self, vms: Sequence[VM], harts: Sequence[PhysicalHart]) -> Turn:
        """Return a turn of the VM that has waited longest, on all harts."""
        return Turn(vms[0], harts, self.length)
