"""Looking at a hart without touching it: memory, CSR fields, page walks.

Nothing here changes anything, neither A and D bits nor the TLB, and nothing reads a device.
"""

from __future__ import annotations

from typing import NamedTuple

from minihv.hw.bits import MASK64
from minihv.hw.causes import cause_name
from minihv.hw.hart import Hart
from minihv.hw.memory import PAGE
from minihv.hw.pagewalk import MODES, Step, Walk, walk
from minihv.hw.registers import FIELDS

__all__ = [
    "CsrField", "Step", "Walk", "csr_fields", "peek_virtual", "read_virtual", "walk",
]  # fmt: skip


# --- memory -------------------------------------------------------------------------------------


def read_virtual(hart: Hart, gva: int, n: int, access: str = "read") -> bytes | None:
    """Return `n` bytes at guest-virtual `gva`; None if an access would fault or is not to RAM."""
    data = b""
    while len(data) < n:
        at = gva + len(data) & MASK64
        size = min(n - len(data), PAGE - at % PAGE)
        pa = walk(hart, at, access, size).pa
        if pa is None or not 0 <= pa - hart.memory.base <= hart.memory.size - size:
            return None
        data += hart.memory.read(pa, size)
    return data


def peek_virtual(hart: Hart, gva: int, n: int) -> int | None:
    """Return the unsigned little-endian value of `n` bytes at guest-virtual `gva`, or None."""
    data = read_virtual(hart, gva, n)
    return None if data is None else int.from_bytes(data, "little")


# --- registers ----------------------------------------------------------------------------------


class CsrField(NamedTuple):
    """Bits `high` to `low` of a CSR: name, unsigned value, and what the value means or ""."""

    name: str
    high: int
    low: int
    value: int
    meaning: str


def csr_fields(name: str, value: int) -> list[CsrField]:
    """Return the fields of CSR `name` if it holds `value`, highest first; [] if it has none."""
    views = []
    for field in sorted(FIELDS.get(name, ()), key=lambda field: -field.low):
        bits, high = field.of(value), field.low + field.width - 1
        meaning = _meaning(name, field.name, value, bits)
        views.append(CsrField(field.name, high, field.low, bits, meaning))
    return views


def _meaning(csr: str, field: str, whole: int, value: int) -> str:
    match csr, field:
        case _, "MPP" | "SPP":
            return MODES[value]
        case "satp" | "vsatp" | "hgatp", "MODE":
            return {0: "Bare", 8: "Sv39", 9: "Sv48", 10: "Sv57"}.get(value, "reserved")
        case _, "MODE":
            return {0: "direct", 1: "vectored"}.get(value, "reserved")
        case "satp" | "vsatp", "PPN":
            return f"root table at {value << 12:#x}"
        case _, "BASE":
            return f"handler at {value << 2:#x}"
        case _, "Code":
            return cause_name(whole)
        case _, "UXL" | "SXL" | "MXL":
            return {1: "32 bits", 2: "64 bits"}.get(value, "reserved")
        case "misa", "Extensions":
            return "".join(chr(ord("A") + bit) for bit in range(26) if value >> bit & 1)
    return ""
