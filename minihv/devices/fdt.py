"""Device trees in their flattened form (Devicetree specification 0.4, chapter 5).

A kernel learns from the tree what machine it runs on. The blob is four parts, all big-endian:

    header (40 bytes) | memory reservations | structure: tokens | strings: property names

The structure walks the tree: BEGIN_NODE name, PROP length name-offset value, END_NODE, END.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

MAGIC, VERSION, LAST_COMPATIBLE = 0xD00DFEED, 17, 16
BEGIN_NODE, END_NODE, PROP, END = 1, 2, 3, 9
HEADER = struct.Struct(">10I")

# A property: cells (32-bit), text, a list of texts, raw bytes, or None for "present, empty".
Value = int | str | bytes | None | Sequence[int] | Sequence[str]


@dataclass
class Node:
    """One node: `name` with its unit address, properties and children in order."""

    name: str = ""
    props: dict[str, Value] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)


def encode(value: Value) -> bytes:
    """Return a property's bytes: cells big-endian, texts each with a final NUL."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    items = [value] if isinstance(value, int | str) else value
    return b"".join(
        item.encode() + b"\0" if isinstance(item, str) else struct.pack(">I", item)
        for item in items
    )


def cells64(*values: int) -> list[int]:
    """Return two cells per 64-bit value, high one first (#address-cells = #size-cells = 2)."""
    return [cell for value in values for cell in (value >> 32, value & 0xFFFFFFFF)]


def flatten(root: Node, boot_hart: int = 0) -> bytes:
    """Return the blob of a tree without memory reservations; its length is a multiple of 8."""
    names: dict[str, int] = {}
    strings = bytearray()
    structure = bytearray()

    def walk(node: Node) -> None:
        structure.extend(struct.pack(">I", BEGIN_NODE) + _padded(node.name.encode() + b"\0"))
        for name, value in node.props.items():
            if name not in names:
                names[name] = len(strings)
                strings.extend(name.encode() + b"\0")
            data = encode(value)
            structure.extend(struct.pack(">III", PROP, len(data), names[name]) + _padded(data))
        for child in node.children:
            walk(child)
        structure.extend(struct.pack(">I", END_NODE))

    walk(root)
    structure.extend(struct.pack(">I", END))
    reservations = HEADER.size
    begin = reservations + 16  # the list's end: one empty entry
    text = begin + len(structure)
    total = text + len(strings) + 7 & ~7
    header = HEADER.pack(
        MAGIC, total, begin, text, reservations, VERSION, LAST_COMPATIBLE, boot_hart,
        len(strings), len(structure),
    )  # fmt: skip
    return (header + bytes(16) + bytes(structure) + bytes(strings)).ljust(total, b"\0")


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
