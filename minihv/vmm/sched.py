"""Which hart runs which VCPU, and for how long: the one seam for schedulers.

A guest cannot tell. Its board gives each VCPU the same slice of the guest's own time in a fixed
order; a scheduler says when the VM goes on with that, and on which harts of the host.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol
from weakref import WeakKeyDictionary, ref

if TYPE_CHECKING:
    from minihv.vmm.host import PhysicalHart
    from minihv.vmm.vm import VM

TURN = 100_000  # instructions
SECONDS = 0.25  # of the host's processor time, which only many costly exits take


class Turn(NamedTuple):
    """Let `vm` execute up to `length` instructions, its VCPU k on harts[k % len(harts)].

    seconds: of the host's processor time, after which the turn ends all the same. Leave them
    infinite for VMs that share something (memory, a device): only turns by count come in the same
    order on every host.
    """

    vm: VM
    harts: Sequence[PhysicalHart]
    length: int
    seconds: float = math.inf


class Scheduler(Protocol):
    """Says who is next, whenever a turn has ended."""

    def next(self, vms: Sequence[VM], harts: Sequence[PhysicalHart]) -> Turn:
        """Return a turn of one of `vms`: all that can go on, the longest waiting first."""


class RoundRobin:
    """Equal turns of `length` instructions, one after the other; a VCPU stays on its hart.

    A VM whose turn took more than `seconds` of processor time owes what it took: it waits until
    each of the others has had as much, or has ended.
    """

    def __init__(self, length: int = TURN, seconds: float = SECONDS):
        self.length, self.seconds = length, seconds
        self._last: Callable[[], VM | None] = lambda: None  # whose turn it was
        self._before = 0.0  # its seconds before that
        self._owes: WeakKeyDictionary[VM, float] = WeakKeyDictionary()

    def next(self, vms: Sequence[VM], harts: Sequence[PhysicalHart]) -> Turn:
        """Return a turn of the VM that has waited longest and owes nothing, on all harts."""
        last = self._last()
        if last is not None:
            self._settle(last, last.seconds - self._before, len(vms))
        vm = min(vms, key=lambda vm: self._owes.get(vm, 0.0))  # the first of those that owe least
        self._last, self._before = ref(vm), vm.seconds
        return Turn(vm, harts, self.length, self.seconds)

    def _settle(self, last: VM, took: float, vms: int) -> None:
        """The last turn took so much: the others' debts shrink, or its VM owes it to them."""
        for vm in list(self._owes):
            self._owes[vm] -= took / max(vms - 1, 1)
            if self._owes[vm] <= 0:
                del self._owes[vm]
        if took > self.seconds:
            self._owes[last] = took
