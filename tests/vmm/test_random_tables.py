"""Random page tables, leaves of all sizes and the least of fences: stale translations show."""

from __future__ import annotations

import struct

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minihv.devices.virt import Machine
from minihv.vmm import VM
from tests.tiers import count
from tests.vmm.central import finish
from tests.vmm.modes import MODES
from tests.vmm.tables import LOG, MEMORY, RAM, Guest

BUDGET = 100_000  # instructions; a guest needs some ten thousand


def log(machine: Machine, guest: Guest) -> list[tuple[int, int]]:
    """What a machine that has run the guest holds in its log."""
    at = LOG - RAM
    return list(struct.iter_unpack("<2Q", machine.memory.bytes[at : at + 16 * len(guest.log)]))
