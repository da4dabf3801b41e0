"""minihv: a compact mini-hypervisor, built and measured chapter by chapter.

    from minihv import Machine, Timeline, assemble, disassemble, guest

What is named here is imported when it is first used: `import minihv` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minihv.asm.assembler import assemble
    from minihv.asm.disassembler import disassemble
    from minihv.devices.timeline import Timeline
    from minihv.devices.virt import Machine
    from minihv.guests import path as guest

__version__ = "0.1.0"
__all__ = ["Machine", "Timeline", "assemble", "disassemble", "guest"]

_HOMES = {
    "Machine": ("minihv.devices.virt", "Machine"),
    "Timeline": ("minihv.devices.timeline", "Timeline"),
    "assemble": ("minihv.asm.assembler", "assemble"),
    "disassemble": ("minihv.asm.disassembler", "disassemble"),
    "guest": ("minihv.guests", "path"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'minihv' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
