"""Small looks into a guest's ELF image, for the tests."""

import io
from pathlib import Path

from elftools.elf.elffile import ELFFile

from minihv import guests

PF_X, PF_W = 1, 2       # flags of a segment


def load(path: Path) -> ELFFile:
    """The image, held in memory."""
    return ELFFile(io.BytesIO(path.read_bytes()))


def symbols(elf: ELFFile) -> dict[str, int]:
    """Address of every symbol."""
    return {s.name: s["st_value"] for s in elf.get_section_by_name(".symtab").iter_symbols()}


def loaded(elf: ELFFile) -> list[dict[str, int]]:
    """Headers of the segments that take memory."""
    return [s.header for s in elf.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_memsz"]]


def broken_paging(directory: Path) -> Path:
    """A copy of the paging guest whose page of code returns 43, not 42: its checks must fail."""
    elf = load(guests.path("paging"))
    address = symbols(elf)["returns_42"]
    image = bytearray(guests.path("paging").read_bytes())
    for segment in elf.iter_segments():
        start = segment["p_vaddr"]
        if segment["p_type"] == "PT_LOAD" and start <= address < start + segment["p_filesz"]:
            offset = segment["p_offset"] + address - start
    assert image[offset:offset + 4] == (0x02A00513).to_bytes(4, "little"), "li a0, 42"
    image[offset:offset + 4] = (0x02B00513).to_bytes(4, "little")
    target = directory / "broken.elf"
    target.write_bytes(image)
    return target
