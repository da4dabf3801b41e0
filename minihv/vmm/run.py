"""From a mode's name to a machine: what `minihv run --mode` needs."""

from __future__ import annotations

from typing import Any

from minihv.devices.virt import Machine
from minihv.errors import ConfigError
from minihv.vmm.emulate import TrapAndEmulate
from minihv.vmm.hardware import HardwareAssist
from minihv.vmm.nested import NestedPaging
from minihv.vmm.shadow import ShadowPaging
from minihv.vmm.synced import SyncedShadowPaging
from minihv.vmm.vm import VM

CPU: dict[str, type[TrapAndEmulate]] = {"trap": TrapAndEmulate, "hardware": HardwareAssist}
MODES = ("bare", *CPU)
PAGING: dict[str, Any] = {
    "shadow": ShadowPaging, "synced": SyncedShadowPaging, "nested": NestedPaging,
}  # fmt: skip


def new_machine(mode: str = "bare", paging: str | None = None, **options: Any) -> Machine:
    """A machine for guests to be loaded into: the bare one, or a virtual one.

    mode: one of MODES. paging: one of PAGING, for the virtual ones. options: those of Machine
    (memory, harts, engine, misaligned, svade, sensitive). ConfigError for any other name.
    """
    if mode not in MODES:
        raise ConfigError(f"mode {mode!r}: choose {' or '.join(MODES)}")
    if mode == "bare":
        if paging is not None:
            raise ConfigError("a bare machine has no paging to choose: leave --paging out")
        return Machine(**options)
    if paging is not None and paging not in PAGING:
        raise ConfigError(f"paging {paging!r}: choose {' or '.join(PAGING)}")
    return VM(cpu=CPU[mode](), paging=PAGING[paging]() if paging else None, **options)
