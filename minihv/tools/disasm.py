"""`minihv disasm`: the executable parts of an image, with their symbols."""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from minihv.tools.terminal import check_file, one_line

if TYPE_CHECKING:
    from minihv.asm.disassembler import Line
    from minihv.devices.image import Image


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `minihv disasm`."""
    parser.add_argument("image", type=Path, metavar="FILE")


def main(options: argparse.Namespace) -> int:
    """List the code."""
    from minihv.devices.image import load_image

    check_file(options.image)
    data = options.image.read_bytes()
    image = load_image(data, str(options.image))
    symbols = {name: at for name, at in image.symbols.items() if not name.startswith("$")}
    names: dict[int, list[str]] = {}
    for name, place in symbols.items():
        names.setdefault(place, []).append(name)
    for line in _listing(data, image, symbols):
        for name in names.get(line.pc, ()):
            print(f"\n{line.pc:016x} <{one_line(name)}>:")
        print(f"{line.pc:16x}:  {line.word:0{2 * line.size}x}{'':{10 - 2 * line.size}}{line.text}")
    return 0


def _listing(data: bytes, image: Image, symbols: dict[str, int]) -> Iterator[Line]:
    """The lines of a checked image's code."""
    from minihv.asm.disassembler import disassemble_range

    pieces = [(paddr, content) for paddr, content, _ in image.segments]
    if image.kind == "elf":
        pieces = _code_of_elf(data)
    for place, code in pieces:
        yield from disassemble_range(code, place, symbols)


def _code_of_elf(data: bytes) -> list[tuple[int, bytes]]:
    """(address, bytes) of the executable sections, or segments if there are no sections."""
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(io.BytesIO(data))
    found = [
        (h["sh_addr"], data[h["sh_offset"] : h["sh_offset"] + h["sh_size"]])
        for h in (section.header for section in elf.iter_sections())
        if h["sh_flags"] & 4 and h["sh_type"] == "SHT_PROGBITS"
    ]
    return found or [
        (h["p_vaddr"], data[h["p_offset"] : h["p_offset"] + h["p_filesz"]])
        for h in (segment.header for segment in elf.iter_segments("PT_LOAD"))
        if h["p_flags"] & 1
    ]
