"""Snapshots: a machine but for its RAM as plain data, and back.

What is saved is found by asking each part; none is named here. Parts are restored against the
order in which they were made, so the interrupt controller comes after those whose lines lead to
it, and the harts come last: what a part does to them on the way is undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minihv.hw import state as st
from minihv.hw.hart import Hart

if TYPE_CHECKING:
    from minihv.devices.virt import Machine

# Breakpoints and watches are the debugger's, not the guest's.
STOPS = (slice(st.BREAKPOINTS, st.CSR_WATCHES + 1), slice(st.BREAKPOINT, st.CSR_WATCH + 8))


def save(machine: Machine) -> dict[str, Any]:
    """Return everything but RAM, as plain data."""
    return {
        "harts": [(hart.state.copy(), hart.status) for hart in machine.harts],
        "console": machine.console.save(),
        "devices": {name: device.save() for name, device in machine.devices.items()},
        "run": (machine.board.turn, machine.rounds.end, machine.board.ended),
        "counts": (machine.exits.copy(), machine.calls.copy()),
        "events": (machine.served, machine.input.given),
    }


def restore(machine: Machine, saved: dict[str, Any]) -> None:
    """Return to `saved`. RAM is the caller's to restore first; stops that are set stay."""
    machine.console.restore(saved["console"])
    for name, device in reversed(machine.devices.items()):
        device.restore(saved["devices"][name])
    machine.board.turn, machine.rounds.end, machine.board.ended = saved["run"]
    machine.exits, machine.calls = (counts.copy() for counts in saved["counts"])
    machine.served, machine.input.given = saved["events"]
    for hart, (state, status) in zip(machine.harts, saved["harts"], strict=True):
        _restore_hart(hart, state)
        hart.status = status


def _restore_hart(hart: Hart, state: Any) -> None:
    stops = [hart.state[part].copy() for part in STOPS]
    hart.state[:] = state
    for part, kept in zip(STOPS, stops, strict=True):
        hart.state[part] = kept
    hart.s[st.SKIP] = -1
    hart.flush()
