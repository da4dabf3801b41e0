"""VM exits and entries of a real run, as events for TrapTimeline."""

from __future__ import annotations

from typing import Any

from minihv.chapters.ch01.views.record import Event
from minihv.hw import state as st
from minihv.hw.causes import cause_name
from minihv.vmm import VM

PATIENCE = 50_000_000
ENTRY = "VM entry"


class _Recorder:
    """Stands between a VM and its layers: notes each exit, and each entry that follows one."""

    def __init__(self, vm: VM, vcpu: int, n: int):
        self.vm, self.vcpu, self.n = vm, vm.harts[vcpu], n
        self.modes = vm.cpu.modes
        self.events: list[Event] = []
        self.traps = self.vcpu.s[st.TRAPS]  # that the virtual CPU had taken at its last exit
        self.enter, self.note = vm.cpu.enter, vm.exits.note

    @property
    def full(self) -> bool:
        """True if no more events are wanted."""
        return len(self.events) >= self.n

    def entered(self, vcpu: Any, hart: Any, stop: int) -> int:
        """Return what the VM calls to enter its guest."""
        if vcpu is self.vcpu and not self.full and (
            not self.events or self.events[-1].target == "host"
        ):
            cause, kind = self._why(vcpu.s)
            self.events.append(Event(vcpu.clock, "host", self.modes[vcpu.priv], cause, kind))
        return self.enter(vcpu, hart, stop)

    def _why(self, s: Any) -> tuple[str, str]:
        """Return what the guest goes on with: an interrupt, a trap of its own, or nothing."""
        if s[st.TRAPS] == self.traps:
            return ENTRY, "vmentry"
        cause = s[st.MCAUSE] if s[st.PRIV] == 3 else s[st.SCAUSE]
        return cause_name(cause), "inject" if cause < 0 else "vmentry"

    def left(self, vcpu: Any, exit: Any) -> bool:
        """Return what a layer calls to note an exit."""
        if vcpu is self.vcpu and not self.full:
            mode, clock = self.modes[vcpu.priv], vcpu.clock
            name = cause_name(exit.cause) if exit.cause >= 0 else ""
            cause = f"{exit.reason}: {name}" if name else str(exit.reason)
            self.events.append(Event(clock, mode, "host", cause, "vmexit"))
            self.traps = vcpu.s[st.TRAPS]
        return self.note(vcpu, exit)


def record_exits(vm: VM, n: int = 1000, vcpu: int = 0, most: int = PATIENCE) -> list[Event]:
    """Run `vm` on until `n` exits and entries of a virtual CPU are recorded, or the run ends.

    Modes are "vS" and "vU" where the guest is deprivileged, "V" (VS or VU, from outside one cannot
    tell) where the hart has modes for guests. At most `most` instructions are executed.
    """
    recorder, goal = _Recorder(vm, vcpu, n), vm.executed + most
    vm.cpu.enter = recorder.entered  # type: ignore[method-assign]
    vm.exits.note = recorder.left  # type: ignore[method-assign]
    try:
        while not recorder.full and vm.executed < goal:
            if vm.run(min(goal - vm.executed, 20_000)).reason != "budget":
                break
    finally:
        del vm.cpu.enter, vm.exits.note
    return recorder.events[:n]
