"""The modes and pagings by name, with the pairs that work: what `minihv run --mode` offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from minihv.devices.virt import Machine
from minihv.errors import ConfigError
from minihv.vmm.emulate import TrapAndEmulate
from minihv.vmm.hardware import HardwareAssist
from minihv.vmm.layers import Cpu, Paging
from minihv.vmm.nested import NestedPaging
from minihv.vmm.shadow import ShadowPaging
from minihv.vmm.synced import SyncedShadowPaging
from minihv.vmm.vm import VM


class Mode(NamedTuple):
    """How a guest runs: its CPU layer (None: no hypervisor), the pagings, the default first."""

    cpu: Callable[[], Cpu] | None
    pagings: tuple[str, ...]
    about: str


class Tables(NamedTuple):
    """How a hypervisor maps memory."""

    paging: Callable[[], Paging]
    about: str


MODES = {
    "bare": Mode(None, (), "the guest owns the machine"),
    "trap": Mode(TrapAndEmulate, ("shadow", "synced"), "deprivileged under a hypervisor"),
    "hardware": Mode(HardwareAssist, ("nested", "shadow", "synced"),
                     "under a hypervisor, in the H extension's VS-mode"),
}  # fmt: skip
PAGINGS = {
    "shadow": Tables(ShadowPaging, "tables made from the guest's, dropped at its fences"),
    "synced": Tables(SyncedShadowPaging, "the same, never stale: guest tables write-protected"),
    "nested": Tables(NestedPaging, "a second stage behind the guest's own tables"),
}
PAIRS = [(name, paging) for name, mode in MODES.items() for paging in mode.pagings]


def new_machine(mode: str = "bare", paging: str | None = None, **options: Any) -> Machine:
    """Return a machine for guests to be loaded into: the bare one, or a virtual one.

    mode: one of MODES. paging: one of PAGINGS, for the virtual ones. options: those of Machine
    (memory, harts, engine, misaligned, svade, sensitive). ConfigError for any other name.
    """
    if mode not in MODES:
        raise ConfigError(f"mode {mode!r}: choose {' or '.join(MODES)}")
    if paging is not None and paging not in PAGINGS:
        raise ConfigError(f"paging {paging!r}: choose {' or '.join(PAGINGS)}")
    cpu = MODES[mode].cpu
    if cpu is not None:
        return VM(cpu=cpu(), paging=PAGINGS[paging].paging() if paging else None, **options)
    if paging is not None:
        raise ConfigError("a bare machine has no paging to choose: leave --paging out")
    return Machine(**options)
