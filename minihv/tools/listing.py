"""`minihv asm` and `minihv disasm`: from source to an ELF file, and from a file to a listing."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from minihv.errors import AssemblyError, MinihvError
from minihv.tools.terminal import check_file, one_line

if TYPE_CHECKING:
    from minihv.asm.disassembler import Line
    from minihv.devices.image import Image


def assemble_file(options: argparse.Namespace) -> int:
    """`minihv asm`: source, output (None: beside it), origin, compress."""
    from minihv.asm.assembler import assemble

    check_file(options.source)
    try:
        source = options.source.read_text(encoding="utf-8")
        program = assemble(source, options.origin, compress=options.compress)
    except AssemblyError as error:
        message = str(error).partition(": ")[2] if error.line else error
        raise MinihvError(f"{options.source}:{error.line}:{error.column}: {message}") from None
    except UnicodeDecodeError as error:
        raise MinihvError(f"{options.source}: is not UTF-8 text ({error.reason})") from None
    output = options.output or options.source.with_suffix(".elf")
    if output.exists() and output.samefile(options.source):
        raise MinihvError(f"{output}: is the source; name another file with -o")
    output.write_bytes(program.elf())
    return 0


def list_image(options: argparse.Namespace) -> int:
    """`minihv disasm`: the executable parts of an image."""
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
    from minihv.devices.elf import executable

    pieces = [(paddr, content) for paddr, content, _ in image.segments]
    if image.kind == "elf":
        pieces = executable(data)
    for place, code in pieces:
        yield from disassemble_range(code, place, symbols)
