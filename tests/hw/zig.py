"""What ziglang's clang makes of assembly source: the independent answer for the assembler."""

import importlib.util
import io
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from minihv.hw.isa import INSTRUCTIONS
from tests.hw.peers import CLANG, knows

ORIGIN = 0x80000000
# The sections as minihv lays them; norelax keeps the linker from rewriting instructions.
_SCRIPT = """SECTIONS { . = 0x80000000; .text : { *(.text) } .rodata : ALIGN(8) { *(.rodata) }
.data : ALIGN(8) { *(.data) } .bss : ALIGN(8) { *(.bss) } }"""

needs_zig = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None,
    reason="ziglang is not installed (pip install ziglang): no second assembler to compare with",
)


def elf(source: str, folder: Path, *, compress: bool = False) -> bytes:
    """`source` assembled and linked at ORIGIN; fails the test where clang rejects it."""
    (folder / "x.S").write_text(".option norelax\n" + source)
    (folder / "x.ld").write_text(_SCRIPT)
    named = {row.extension.lower() for row in INSTRUCTIONS if knows(CLANG, row)}
    parts = sorted(named - {"i", "privileged"} - (set() if compress else {"c"}))
    cpu = "+".join(["generic_rv64", *parts, "zihintpause"])
    options = f"-nostdlib -g0 -target riscv64-freestanding -mcpu={cpu} -T x.ld x.S -o x.elf"
    command = [sys.executable, "-m", "ziglang", "cc", *options.split()]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"clang rejects the source:\n{done.stderr[:4000]}"
    return (folder / "x.elf").read_bytes()


def image(source: str, folder: Path, *, compress: bool = False) -> bytes:
    """The bytes from ORIGIN to the end of the last section, zeros of .bss included."""
    out = bytearray()
    for section in ELFFile(io.BytesIO(elf(source, folder, compress=compress))).iter_sections():
        if section["sh_flags"] & 2 and section["sh_size"]:
            start = section["sh_addr"] - ORIGIN
            empty = section["sh_type"] == "SHT_NOBITS"
            out = out.ljust(start, b"\0")
            out[start:] = bytes(section["sh_size"]) if empty else section.data()
    return bytes(out)
