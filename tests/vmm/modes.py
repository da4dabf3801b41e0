"""The virtual modes that guests must not be able to tell from the bare machine, a row each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minihv.vmm import HardwareAssist, NestedPaging
from minihv.vmm.run import MODES as NAMED
from minihv.vmm.run import PAGINGS, PAIRS


def layers(mode: str, paging: str) -> Callable[[], dict[str, Any]]:
    return lambda: {"cpu": NAMED[mode].cpu(), "paging": PAGINGS[paging].paging()}


# The layers of a new VM by the mode's name.
MODES: dict[str, Callable[[], dict[str, Any]]] = {
    **{f"{mode}, {paging}": layers(mode, paging) for mode, paging in PAIRS},
    "hardware, nested 2 MiB": lambda: {"cpu": HardwareAssist(), "paging": NestedPaging(2 << 20)},
}
M_MODES = [name for name in MODES if name.startswith("trap")]  # these run firmware of the guest's
