"""Exercise 04.2's hypervisors: hardware assistance whose world switch leaves one thing out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minihv.chapters.ch02.beside.suspects import Run, Suspicious, suspicious
from minihv.hw import state as st
from minihv.hw.trap import refresh_timers
from minihv.vmm import HardwareAssist


def loads(slot: int, change: Callable[[int], int]) -> type[HardwareAssist]:
    """Return a switch that loads something else into one slot of the hart."""

    class Loads(HardwareAssist):
        def load(self, vcpu: Any, hart: Any) -> None:
            super().load(vcpu, hart)
            hart.s[slot] = change(hart.s[slot])

    return Loads


def keeps(slot: int) -> type[HardwareAssist]:
    """Return a switch that does not take back what the guest wrote to one register."""

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


class Forgetful(Suspicious):
    """A hypervisor with a fault in its world switch."""

    suspects = SUSPECTS
    budget = 2_000


def forgetful(veiled: str) -> tuple[Run, Run]:
    """Return the arguments of find_fault: (run, bare)."""
    return suspicious(veiled, Forgetful)
