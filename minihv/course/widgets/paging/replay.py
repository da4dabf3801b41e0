"""A VM's run, to be stopped behind any exit that its memory caused, forwards and backwards.

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
PAGE_FAULTS = (st.FETCH_PAGE_FAULT, st.LOAD_PAGE_FAULT, st.STORE_PAGE_FAULT)
MOST = 30_000  # exits that are recorded; beyond them the run is left alone


class Event(NamedTuple):
    """One exit: its kind (of KINDS), what the VM knew of it, and the guest's mode at that time.

    `operand` is the address of a fence of one page, or the new satp of a switch; else None.
    """

    kind: str
    exit: VMExit
    priv: int
    operand: int | None = None


def kind_of(exit: VMExit) -> str | None:
    """Which kind of memory exit this is, if it is one."""
    if exit.reason == Reason.CSR:
        return SWITCH if exit.instruction >> 20 & 0xFFF == SATP else None
    kind = str(exit.reason)
    return kind if kind in KINDS else None


def gva_given(hart: Any) -> bool:
    """Whether the trap that a hart has just taken is a page fault, whose address TVAL holds."""
    return hart.s[st.CAUSE] in PAGE_FAULTS


class Replay:
    """The run of the VM that `make` builds, its guest loaded. It stands behind `position` exits."""

    def __init__(self, make: Callable[[], VM], most: int = MOST):
        self._make = make
        self._most = most
        self._goal = most
        self.events: list[Event] = []
        self.vm = self._fresh()
        self._run()
        self.events = self._seen
        self.goto(0)

    @property
    def position(self) -> int:
        """How many memory exits have been handled."""
        return len(self._seen)

    @property
    def event(self) -> Event | None:
        """The last of them."""
        return self._seen[-1] if self._seen else None

    @property
    def counts(self) -> Counter[str]:
        """How many of each kind."""
        return Counter(event.kind for event in self._seen)

    def goto(self, position: int, watch: Callable[[VM, int], None] | None = None) -> None:
        """Stand behind that many exits; `watch(vm, gva)` is called before the last is handled."""
        position = max(0, min(position, len(self.events)))
        if position < self.position or (position == self.position and watch):
            self.vm = self._fresh()
        self._goal, self._watch = position, watch
        self._run()
        self._watch = None

    def find(self, kind: str, step: int) -> int | None:
        """The position of the next exit of this kind ("" for any), or of the one before."""
        at = self.position + step
        while 1 <= at <= len(self.events):
            if kind in ("", self.events[at - 1].kind):
                return at
            at += step
        return 0 if at == 0 and not kind else None

    def _fresh(self) -> VM:
        vm = self._make()
        self._seen: list[Event] = []
        self._watch: Callable[[VM, int], None] | None = None
        handle = vm.cpu.handle

        def noting(vcpu: Any, hart: Any) -> int:
            mode, gva = vcpu.priv, hart.s[st.TVAL]
            if self._watch is not None and len(self._seen) == self._goal - 1 and gva_given(hart):
                self._watch(vm, gva)
            result = handle(vcpu, hart)
            exit = vm.exits.log[-1]
            kind = kind_of(exit)
            if kind is not None:
                self._seen.append(Event(kind, exit, mode, _operand(vcpu, exit)))
            if len(self._seen) >= self._goal and result == st.EXIT_NONE:
                return st.EXIT_BREAKPOINT
            return result

        vm.cpu.handle = noting  # type: ignore[method-assign]
        return vm

    def _run(self) -> None:
        while len(self._seen) < self._goal:
            if self.vm.run().reason != "breakpoint":
                return


def _operand(vcpu: Any, exit: VMExit) -> int | None:
    if exit.reason == Reason.FENCE and exit.instruction >> 15 & 31:
        return vcpu.x[exit.instruction >> 15 & 31]
    return vcpu.csr["satp"] if exit.reason == Reason.CSR else None
