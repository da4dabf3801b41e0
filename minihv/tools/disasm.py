"""`minihv disasm`: the executable parts of an image, with their symbols."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from minihv.guests import file_or_guest
from minihv.tools.terminal import check_file, one_line

if TYPE_CHECKING:
    from minihv.asm.disassembler import Line
    from minihv.devices.image import Image


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `minihv disasm`."""
    parser.add_argument("image", type=file_or_guest, metavar="FILE")


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
    """Yield the lines of a checked image's code."""
    from minihv.asm.disassembler import disassemble_range
    from minihv.devices.elf import executable

    pieces = [(paddr, content) for paddr, content, _ in image.segments]
    if image.kind == "elf":
        pieces = executable(data)
    for place, code in pieces:
        yield from disassemble_range(code, place, symbols)
