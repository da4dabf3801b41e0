"""Exercise 04.2: a world switch that forgets something; find it by running small guests.

As exercise 02.2, with hypervisors that use VS-mode: each is the package's hardware assistance
whose `load` or `unload` leaves one thing out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from typing import Any

from minihv.chapters.ch02.checks.planted import MEMORY, left
from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble
from minihv.devices.virt import Machine
from minihv.hw import state as st
from minihv.hw.trap import refresh_timers
from minihv.vmm import VM, HardwareAssist


def loads(slot: int, change: Callable[[int], int]) -> type[HardwareAssist]:
    """A switch that loads something else into one slot of the hart."""

    class Loads(HardwareAssist):
        def load(self, vcpu: Any, hart: Any) -> None:
            super().load(vcpu, hart)
            hart.s[slot] = change(hart.s[slot])

    return Loads


def keeps(slot: int) -> type[HardwareAssist]:
    """A switch that does not take back what the guest wrote to one register."""

    class Keeps(HardwareAssist):
        def unload(self, vcpu: Any, hart: Any) -> None:
            before = vcpu.s[slot]
            super().unload(vcpu, hart)
            vcpu.s[slot] = before
            if slot == st.STIMECMP:
                refresh_timers(vcpu.s)

    return Keeps


SUSPECTS: dict[str, type[HardwareAssist]] = {
    "hvip": loads(st.MIP_SOFT, lambda value: 0),
    "htimedelta": loads(st.HTIMEDELTA, lambda value: value + 1000),
    "vector": loads(st.VSTVEC, lambda value: 0),
    "mode": loads(st.PRIV, lambda value: 1),
    "status": keeps(st.MSTATUS),
    "scratch": keeps(st.SSCRATCH),
    "enable": keeps(st.MIE),
    "timer": keeps(st.STIMECMP),
}
MANY, BUDGET = 4, 2_000  # hypervisors of an instance; instructions of a guest


@dataclass(frozen=True)
class Suspicious:
    """A hypervisor with a fault; `run` runs a guest on it, `bare` on the bare machine."""

    fault: str

    def __repr__(self) -> str:
        return "a hypervisor with one fault: run(source) and bare(source) return what is left"

    def run(self, source: str) -> SimpleNamespace:
        """Assemble a guest that starts in S-mode at 0x80000000, run it under the hypervisor."""
        return left(VM(memory=MEMORY, cpu=SUSPECTS[self.fault](), engine="python"), source, BUDGET)

    @staticmethod
    def bare(source: str) -> SimpleNamespace:
        """The same on the bare machine."""
        return left(Machine(memory=MEMORY, engine="python"), source, BUDGET)


def make(rng: Random) -> list[Suspicious]:
    """Several hypervisors, no two alike."""
    return [Suspicious(fault) for fault in rng.sample(sorted(SUSPECTS), MANY)]


def ask(layers: list[Suspicious]) -> list[str]:
    """Which hypervisors to run on the learner's side, where a name would give them away."""
    return [bytes(byte ^ 0x33 ^ k for byte in layer.fault.encode()).hex()
            for k, layer in enumerate(layers)]  # fmt: skip


def put(call: Callable[..., list], answers: Any, asked: list[str]) -> list:
    """One outcome a hypervisor: the name that the learner's function returns."""
    outcomes = []
    for k, veiled in enumerate(asked):
        fault = bytes(byte ^ 0x33 ^ k for byte in bytes.fromhex(veiled)).decode()
        outcomes.append(call(answers[0], Suspicious(fault).run, Suspicious.bare))
    return outcomes


def judge(outcomes: list, layers: list[Suspicious]) -> Verdict:
    """The first hypervisor whose fault was not named."""
    if len(outcomes) != len(layers):
        return wrong("handback")
    for number, (outcome, layer) in enumerate(zip(outcomes, layers, strict=True), 1):
        facts = {"number": number}
        bad = trouble(outcome)
        if bad is not None:
            return bad if bad.key == "late" else wrong(f"{bad.key}_at", **bad.values, **facts)
        said = outcome[1]
        if type(said) is not str:
            return wrong("shape", got=repr(said)[:60], **facts)
        if said not in SUSPECTS:
            return wrong("no_suspect", got=said[:40], names=", ".join(SUSPECTS), **facts)
        if said != layer.fault:
            return wrong(f"innocent_{said}", **facts)
    return Verdict(True, "passed", {"count": len(layers)})


def counterpart() -> type:
    """The layer that none of them is."""
    return HardwareAssist


def play(layers: list[Suspicious]) -> Suspicious:
    """The first, to look at by hand."""
    return layers[0]
