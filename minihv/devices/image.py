"""Guest images: what to put where in memory, and where to begin.

Three kinds are told apart by their content:

    ELF          segments at their physical addresses; entry and symbols from the file
    Linux Image  magic "RSC\\x05" at 0x38 (Documentation/arch/riscv/boot-image-header.rst)
    flat         anything else, loaded as it is

A file comes from anywhere, so every field is checked before it is used. Whatever is wrong with
one, the caller sees an ImageError whose single line names the field; nothing else is raised.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Literal

from minihv.devices.elf import ADDRESS_LIMIT, Segment, is_elf, read_elf
from minihv.errors import ImageError

Boot = Literal["m", "s"]
Kind = Literal["elf", "linux", "flat"]

RAM_BASE = 0x80000000
SUPERVISOR_BASE = 0x80200000  # below it firmware would live: supervisors are linked to here


@dataclass(frozen=True)
class Image:
    """A checked image. Segments are in address order and do not overlap.

    `entry` is a guest physical address; `boot` the mode that it expects to start in; `symbols`
    maps names to the addresses that the file gives (virtual ones).
    """

    segments: list[Segment]
    entry: int
    boot: Boot
    symbols: dict[str, int] = field(default_factory=dict)
    kind: Kind = "flat"


def load_image(data: bytes, name: str = "image", boot: Boot | None = None) -> Image:
    """Recognize and check an image; `name` is for messages. ImageError if anything is wrong.

    `boot` overrides the mode; by default it is "m" for an ELF whose lowest loaded physical
    address is 0x80000000, and "s" for everything else.
    """
    if boot not in (None, "m", "s"):
        raise ImageError(f"{name}: boot mode must be 'm' or 's', not {boot!r}")
    if not data:
        raise ImageError(f"{name}: the file is empty")
    try:
        if is_elf(data):
            return _load_elf(data, boot)
        if data[0x38:0x3C] == b"RSC\x05" or data[0x30:0x38] == b"RISCV\0\0\0":
            return _load_linux(data, boot)
        return _load_flat(data, boot)
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from None


def _load_elf(data: bytes, boot: Boot | None) -> Image:
    elf = read_elf(data)
    default: Boot = "m" if elf.segments[0][0] == RAM_BASE else "s"
    return Image(elf.segments, elf.entry, boot or default, elf.symbols, "elf")


def _load_flat(data: bytes, boot: Boot | None) -> Image:
    if data.startswith(b"\x1f\x8b"):
        raise ImageError("the file is compressed with gzip; decompress it first (gunzip)")
    if is_text(data):
        raise ImageError("this is text, not machine code (minihv asm makes an image of a source)")
    base = RAM_BASE if boot == "m" else SUPERVISOR_BASE
    return Image([(base, data, len(data))], base, boot or "s")


def is_text(data: bytes) -> bool:
    """Say whether the file can only be meant for people: lines of printable characters alone."""
    try:
        start = data[:4096].decode()
    except UnicodeDecodeError:
        return False
    return "\n" in start and all(c.isprintable() or c in "\n\r\t\f" for c in start)


def _load_linux(data: bytes, boot: Boot | None) -> Image:
    """Load a kernel Image: header fields are little-endian; the entry is the first byte."""
    if len(data) < 64:
        raise ImageError(f"Linux Image is truncated: {len(data)} bytes, its header needs 64")
    text_offset, image_size, flags = struct.unpack_from("<3Q", data, 8)
    if flags & 1:
        raise ImageError("Linux Image: flags say big-endian; this machine is little-endian")
    if text_offset >= ADDRESS_LIMIT - RAM_BASE or text_offset % 4096:
        raise ImageError(f"Linux Image: text_offset {text_offset:#x} is not a plausible offset")
    base = RAM_BASE + text_offset
    if image_size > ADDRESS_LIMIT - base:
        raise ImageError(f"Linux Image: image_size {image_size:#x} is larger than memory can be")
    return Image([(base, data, max(image_size, len(data)))], base, boot or "s", {}, "linux")
