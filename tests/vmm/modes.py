"""The virtual modes that guests must not be able to tell from the bare machine, a row each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minihv.vmm import (
    HardwareAssist,
    NestedPaging,
    ShadowPaging,
    SyncedShadowPaging,
    TrapAndEmulate,
)

# The layers of a new VM by the mode's name.
MODES: dict[str, Callable[[], dict[str, Any]]] = {
    "trap, shadow": lambda: {"cpu": TrapAndEmulate(), "paging": ShadowPaging()},
    "trap, synced": lambda: {"cpu": TrapAndEmulate(), "paging": SyncedShadowPaging()},
    "hardware, nested": lambda: {"cpu": HardwareAssist(), "paging": NestedPaging()},
    "hardware, nested 2 MiB": lambda: {"cpu": HardwareAssist(), "paging": NestedPaging(2 << 20)},
    "hardware, shadow": lambda: {"cpu": HardwareAssist(), "paging": ShadowPaging()},
    "hardware, synced": lambda: {"cpu": HardwareAssist(), "paging": SyncedShadowPaging()},
}
M_MODES = [name for name in MODES if name.startswith("trap")]  # these run firmware of the guest's
