"""Traps of a real run as data: who ran before, who after, when, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from minihv.devices.virt import Machine
from minihv.hw import state as st
from minihv.hw.bits import MASK64
from minihv.hw.causes import cause_name
from minihv.hw.hart import Hart
from minihv.hw.inspect import walk

MODES = {0: "U", 1: "S", 3: "M"}
RETURNS = {0x10200073: "sret", 0x30200073: "mret"}
SBI_CAUSE = 9       # environment call from S-mode, which host firmware answers
PATIENCE = 50_000_000


class Event(NamedTuple):
    """One switch of privilege at `clock` (the hart's ticks), from mode `origin` to `target`.

    cause is the specification's name, or the returning instruction; kind is "exception",
    "interrupt", "return" or "exit" (to the host and back within the same tick); for VMs "vmexit",
    "vmentry", or "inject" (an entry with an interrupt).
    """

    clock: int
    origin: str
    target: str
    cause: str
    kind: str


class _Recorder:
    """Listens to one hart, with breakpoints on the guest's returns from traps."""

    def __init__(self, machine: Machine, hart: Hart, n: int):
        self.machine, self.hart, self.n = machine, hart, n
        self.events: list[Event] = []
        self.returns = dict(_returns(machine))      # physical address -> sret or mret
        self.armed: dict[int, str] = {}             # virtual address -> the same
        self.offset: int | None = None

    def trapped(self, hart: Hart) -> None:
        """A trap was taken: who ran is in SPP or MPP, why in scause or mcause."""
        self.arm(hart)
        if hart is not self.hart or len(self.events) >= self.n:
            return
        status, machine_mode = hart.s[st.MSTATUS], hart.priv == 3
        cause = hart.s[st.MCAUSE if machine_mode else st.SCAUSE]
        origin = status >> st.MPP_SHIFT & 3 if machine_mode else status >> 8 & 1
        kind = "interrupt" if cause < 0 else "exception"
        self.events.append(Event(hart.clock, MODES[origin], MODES[hart.priv], cause_name(cause),
                                 kind))

    def arm(self, hart: Hart) -> None:
        """Put breakpoints on the returns, at the addresses under which the handler sees them."""
        here = walk(hart, hart.pc, "fetch").pa
        if here is None or (hart.pc & MASK64) - here == self.offset:
            return
        self.disarm()
        self.offset = (hart.pc & MASK64) - here
        nearest = sorted(self.returns, key=lambda at: abs(at - here))
        for at in nearest[: 16 - len(self.machine.stops.breakpoints)]:
            gva = at + self.offset & MASK64
            self.machine.stops.add_breakpoint(gva)
            self.armed[gva] = self.returns[at]

    def disarm(self) -> None:
        """Take our breakpoints away."""
        for gva in self.armed:
            self.machine.stops.remove_breakpoint(gva)
        self.armed.clear()

    def stopped(self) -> bool:
        """Tell if a breakpoint of ours stopped the run; then the return is an event."""
        hart = self.hart
        name = self.armed.get(hart.pc & MASK64)
        if name is None:
            return any(other.pc & MASK64 in self.armed for other in self.machine.harts)
        status = hart.s[st.MSTATUS]
        target = MODES[status >> 8 & 1 if name == "sret" else status >> st.MPP_SHIFT & 3]
        event = Event(hart.clock + 1, MODES[hart.priv], target, name, "return")
        if not self.events or self.events[-1] != event:
            self.events.append(event)
        return True

    def call(self, original: Callable[[Any], str]) -> Callable[[Any], str]:
        """Return the SBI's entry, with the call noted: out to the host and back."""

        def noted(hart: Any) -> str:
            name = original(hart)
            if hart is self.hart and len(self.events) < self.n:
                self.events.append(Event(hart.clock, "S", "host",
                                         f"{cause_name(SBI_CAUSE)} ({name})", "exit"))
            return name

        return noted


def _returns(machine: Machine) -> Iterable[tuple[int, str]]:
    """Physical addresses of sret and mret in the image's code."""
    segments = machine.image.segments if machine.image else ()
    for paddr, content, _ in segments:
        data = bytes(content)
        for word, name in RETURNS.items():
            at = data.find(word.to_bytes(4, "little"))
            while at >= 0:
                if at % 2 == 0:
                    yield paddr + at, name
                at = data.find(word.to_bytes(4, "little"), at + 1)


def record_traps(machine: Machine, n: int = 1000, hart: int = 0,
                 most: int = PATIENCE) -> list[Event]:
    """Run `machine` on until `n` switches of `hart` are recorded, or the run ends by itself.

    At most `most` instructions are executed. Breakpoints of the caller still end the run.
    """
    recorder = _Recorder(machine, machine.harts[hart], n)
    on_trap, sbi = machine.on_trap, machine.sbi
    original, goal = sbi.call, machine.executed + most
    recorder.arm(recorder.hart)
    machine.on_trap = recorder.trapped
    sbi.call = recorder.call(original)  # type: ignore[assignment, method-assign]
    try:
        while len(recorder.events) < n and machine.executed < goal:
            end = machine.run(min(goal - machine.executed, 20_000))
            if end.reason == "breakpoint" and recorder.stopped():
                continue
            if end.reason != "budget":
                break
    finally:
        recorder.disarm()
        machine.on_trap = on_trap
        del sbi.call
    return recorder.events[:n]
