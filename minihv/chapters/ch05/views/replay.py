"""A VM's run, to be stopped after any exit that its memory caused, forwards and backwards.

A run is a function of its start. So the way back is a fresh VM that runs to the exit wanted, and
everything is as it was, the hypervisor's own tables too (a snapshot would not hold those).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from minihv.hw import state as st
from minihv.vmm.exits import Reason, VMExit
from minihv.vmm.vm import VM

FILL, FAULT, TABLE, FENCE, SWITCH = "fill", "fault", "table", "fence", "switch"
KINDS = (FILL, FAULT, TABLE, FENCE, SWITCH)
SATP = 0x180
NEVER = 1 << 62
MOST = 30_000  # exits that are recorded; beyond them the run is left alone


class Event(NamedTuple):
    """One exit: its kind (of KINDS), what the VM knew of it, and the guest's mode at that time.

    `operand` is the address of a fence of one page, or the new satp of a switch; else None.
    `number` counts all exits of the run, from 1.
    """

    kind: str
    exit: VMExit
    priv: int
    operand: int | None = None
    number: int = 0


def kind_of(exit: VMExit) -> str | None:
    """Return which kind of memory exit this is, if it is one."""
    if exit.reason == Reason.CSR:
        return SWITCH if exit.instruction >> 20 & 0xFFF == SATP else None
    kind = str(exit.reason)
    return kind if kind in KINDS else None


class Replay:
    """The run of the VM that `make` builds, its guest loaded. It is at `position`, an exit's
    number from 1 (0: the start): after that exit, or `before` it is handled."""

    def __init__(self, make: Callable[[], VM], most: int = MOST):
        self._make = make
        self._most = most
        self.position, self.before = 0, False
        self.vm = self._fresh()
        self._run(most, NEVER)
        self.events = self._seen
        self.goto(0)

    @property
    def event(self) -> Event | None:
        """The exit at which the run is."""
        return self.events[self.position - 1] if self.position else None

    @property
    def counts(self) -> Counter[str]:
        """How many exits of each kind have been handled."""
        return Counter(event.kind for event in self._seen)

    def goto(self, position: int, before: bool = False) -> None:
        """Stand at that exit."""
        self.position = max(0, min(position, len(self.events)))
        self.before = before and self.position > 0
        handled = self.position - self.before
        number = self.events[self.position - 1].number if self.before else NEVER
        if handled < len(self._seen) or self._calls >= number:
            self.vm = self._fresh()
        self._run(handled, number)

    def find(self, kind: str, step: int) -> int | None:
        """Return the position of the next exit of this kind ("" for any), or of the one before."""
        at = self.position + step
        while 1 <= at <= len(self.events):
            if kind in ("", self.events[at - 1].kind):
                return at
            at += step
        return 0 if at == 0 and not kind else None

    def _fresh(self) -> VM:
        """Return a VM at its start. `_seen` notes its exits, `_calls` those of all kinds."""
        vm = self._make()
        self._seen: list[Event] = []
        self._calls, self._handled, self._number = 0, self._most, NEVER
        handle = vm.cpu.handle

        def noting(vcpu: Any, hart: Any) -> int:
            if self._calls + 1 >= self._number:
                return st.EXIT_BREAKPOINT  # not handled: the instruction will trap again
            self._calls += 1
            mode = vcpu.priv
            result = handle(vcpu, hart)
            exit = vm.exits.log[-1]
            kind = kind_of(exit)
            if kind is not None:
                self._seen.append(Event(kind, exit, mode, _operand(vcpu, exit), self._calls))
            done = len(self._seen) >= self._handled and self._number == NEVER
            return st.EXIT_BREAKPOINT if done and result == st.EXIT_NONE else result

        vm.cpu.handle = noting  # type: ignore[method-assign]
        return vm

    def _run(self, handled: int, number: int) -> None:
        """Run on until so many memory exits are handled, or exit `number` is about to be."""
        self._handled, self._number = handled, number
        while len(self._seen) < handled or number != NEVER:
            if self.vm.run().reason != "breakpoint":
                return
            if self._calls + 1 >= number:
                return


def _operand(vcpu: Any, exit: VMExit) -> int | None:
    if exit.reason == Reason.FENCE and exit.instruction >> 15 & 31:
        return vcpu.x[exit.instruction >> 15 & 31]
    return vcpu.csr["satp"] if exit.reason == Reason.CSR else None
