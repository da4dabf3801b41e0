"""`minihv asm`: from a source file to an ELF file."""

from __future__ import annotations

import argparse
from pathlib import Path

from minihv.errors import AssemblyError, MinihvError
from minihv.tools.arguments import address
from minihv.tools.terminal import check_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `minihv asm`."""
    add = parser.add_argument
    add("source", type=Path, metavar="FILE.S")
    add("-o", dest="output", type=Path, metavar="FILE.elf", help="default: FILE.elf")
    add("--origin", type=address, default=0x80000000, metavar="ADDRESS")
    add("--compress", action="store_true", help="use 16-bit instructions")


def main(options: argparse.Namespace) -> int:
    """Assemble, beside the source unless told otherwise."""
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
