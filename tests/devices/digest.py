"""A fingerprint of everything that a guest, or whoever looks at its machine, can tell apart."""

from __future__ import annotations

import hashlib

import numpy as np

from minihv.devices.virt import Machine
from minihv.hw import state as st

# Slots that say how a run was cut up, what the TLB's entries are called, or how often it missed: no
# part of the state.
BOOKKEEPING = [
    st.SINK, st.STOP, st.STOP_ON_TRAP, st.EXIT, st.SKIP, st.EPOCH,
    st.ACCESS_ADDRESS, st.ACCESS_KIND, st.ACCESS_VALUE, st.ACCESS_RD, st.LENGTH,
    st.BREAKPOINTS, st.WATCHPOINTS, st.CSR_WATCHES,
    st.DATA_CONTEXT, st.FETCH_CONTEXT, st.SPACES_USED, st.SUPERPAGES,
    st.TLB_MISSES, st.WALK_READS, *range(st.WALK_PLACE, st.WALK_PLACE + 3),
    *range(st.ENTERED, st.ENTERED + 4),
    *range(st.SPACE, st.SPACE + 32),
    *range(st.SPACE_GUEST, st.SPACE_GUEST + 32),
    *range(st.BREAKPOINT, st.CSR_WATCH + 8),
]  # fmt: skip


def harts(machine: Machine) -> list[np.ndarray]:
    """The harts' state vectors without the bookkeeping."""
    vectors = [hart.state.copy() for hart in machine.harts]
    for vector in vectors:
        vector[BOOKKEEPING] = 0
    return vectors


def digest(machine: Machine) -> str:
    """A hash of RAM, harts, devices, counters and the place in the run."""
    found = hashlib.blake2b(machine.memory.bytes, digest_size=8)
    for hart, vector in zip(machine.harts, harts(machine), strict=True):
        found.update(vector.tobytes() + hart.status.encode())
    saved = machine.save()
    devices = [saved[name] for name in ("console", "devices", "run")]
    counts = sorted(machine.calls.items()), machine.exits["mmio"], machine.exits["sbi"]
    found.update(repr((devices, counts, machine.instant)).encode())
    return found.hexdigest()


def differing_slots(one: Machine, other: Machine) -> list[tuple[int, int]]:
    """(hart, slot) of each difference between two machines' harts: for messages."""
    pairs = zip(harts(one), harts(other), strict=True)
    return [(i, int(k)) for i, (a, b) in enumerate(pairs) for k in np.flatnonzero(a != b)]
