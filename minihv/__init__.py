"""minihv: a compact mini-hypervisor, built and measured chapter by chapter.

The names that a notebook starts with are here; each is loaded when it is first used, so that
`import minihv` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Machine": "minihv.devices.virt",
    "Timeline": "minihv.devices.timeline",
    "assemble": "minihv.hw.asm",
    "disassemble": "minihv.hw.disasm",
    "guests": "",
}
__all__ = ["Machine", "Timeline", "assemble", "disassemble", "guests"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'minihv' has no attribute {name!r}")
    if not _HOMES[name]:
        return import_module(f"minihv.{name}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
