"""Loading: an image, and the device tree after it, into RAM.

    base                                                            base + size
    | firmware's place | image: segments, zeroed .bss |  free ...  | tree |
    0x80000000         0x80200000 (S-mode kernels)                   its start is a multiple of
                                                                     2 MiB (or of a page, or of 8)
"""

from __future__ import annotations

import os
from pathlib import Path

from minihv.devices.image import Image
from minihv.errors import ImageError
from minihv.hw.memory import Memory


def read_image(image: str | os.PathLike[str] | bytes) -> tuple[bytes, str]:
    """Return the content of an image given as path or bytes, and a name for it in messages."""
    if isinstance(image, (bytes, bytearray)):
        return bytes(image), "image"
    path = Path(image)
    try:
        return path.read_bytes(), str(path)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error})") from error


def place_image(memory: Memory, image: Image, name: str) -> None:
    """Write the segments to where they belong; ImageError if one does not fit into RAM."""
    for gpa, content, size in image.segments:
        if gpa < memory.base or gpa + size > memory.base + memory.size:
            raise ImageError(
                f"{name}: its segment at {gpa:#x} ({size} bytes) lies outside RAM "
                f"({memory.base:#x}, {memory.size >> 10} KiB): give more memory"
            )
        memory.write(gpa, bytes(content))


def place_tree(memory: Memory, blob: bytes, image: Image, name: str) -> int:
    """Write the device tree to the end of RAM; return its gpa. ImageError if there is no room."""
    used = max(gpa + size for gpa, _, size in image.segments)
    last = memory.base + memory.size - len(blob)
    for alignment in (0x200000 if memory.size >= 0x800000 else 0x1000, 8):
        address = last & -alignment
        if address >= used:
            memory.write(address, blob)
            return address
    raise ImageError(f"{name}: no room for the device tree after it: give more memory")
