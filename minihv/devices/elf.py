"""ELF files, as far as loading a guest needs them (System V ABI, chapters 4 and 5).

pyelftools decodes them; it trusts what it reads, so the fields that decide where it looks are
checked first. Every fault in a file is an ImageError of one line that names the field.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from minihv.errors import ImageError

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

Segment = tuple[int, bytes, int]  # guest physical address, bytes, size in memory (rest is zero)

ADDRESS_LIMIT = 1 << 56  # physical addresses of RV64 have 56 bits
ELF_MAGIC = b"\x7fELF"
ELF_HEADER_SIZE, PHDR_SIZE, SHDR_SIZE, SYMBOL_SIZE = 64, 56, 64, 24
EM_RISCV, ET_EXEC, ET_DYN, PN_XNUM = 243, 2, 3, 0xFFFF
ELF_TYPES = {0: "no type", 1: "relocatable: link it first", 4: "core dump"}
SHT_NULL, SHT_SYMTAB, SHT_STRTAB, SHT_NOBITS = 0, 2, 3, 8
STT_SECTION, STT_FILE = 3, 4


@dataclass(frozen=True)
class Elf:
    """Segments in address order, physical entry, symbols with the addresses the file gives."""

    segments: list[Segment]
    entry: int
    symbols: dict[str, int]


def is_elf(data: bytes) -> bool:
    """Whether the file begins as an ELF does, or is cut off before that can be told."""
    return data.startswith(ELF_MAGIC) or ELF_MAGIC.startswith(data)


class _Header(NamedTuple):
    """Elf64_Ehdr after e_ident."""

    e_type: int
    e_machine: int
    e_version: int
    e_entry: int
    e_phoff: int
    e_shoff: int
    e_flags: int  # the float ABI: ignored, a guest without F simply never uses it
    e_ehsize: int
    e_phentsize: int
    e_phnum: int
    e_shentsize: int
    e_shnum: int
    e_shstrndx: int


def read_elf(data: bytes) -> Elf:
    """Check every field that loading depends on; ImageError names the first that is wrong."""
    from elftools.elf.elffile import ELFFile  # a tenth of the time that importing minihv may take

    _check_ident(data)
    header = _Header._make(struct.unpack_from("<HHIQQQIHHHHHH", data, 16))
    _check_header(header, len(data))
    has_sections = bool(header.e_shoff and header.e_shnum)
    if has_sections:
        _check_sections(data, header)
    try:
        elf = ELFFile(io.BytesIO(data))
        loaded = [s.header for s in elf.iter_segments("PT_LOAD") if s.header["p_memsz"]]
        _check_segments(loaded, len(data))
        symbols = _symbols(elf, data) if has_sections else {}
    except ImageError:
        raise
    except Exception as error:  # the ELF reader has no common base class for malformed input
        text = "".join(c if c.isprintable() else " " for c in str(error))
        detail = " ".join(text.split()) or type(error).__name__
        raise ImageError(f"ELF section or program headers are malformed: {detail}") from None
    entry = _physical_entry(header.e_entry, loaded)
    segments = [
        (h["p_paddr"], data[h["p_offset"] : h["p_offset"] + h["p_filesz"]], h["p_memsz"])
        for h in sorted(loaded, key=lambda h: h["p_paddr"])
    ]
    return Elf(segments, entry, symbols)


def _check_ident(data: bytes) -> None:
    """e_ident: what must hold before any other field can be read."""
    if len(data) < ELF_HEADER_SIZE:
        raise ImageError(f"ELF is truncated: {len(data)} bytes, its header needs 64")
    if data[4] != 2:
        kind = "32-bit" if data[4] == 1 else f"of unknown class {data[4]}"
        raise ImageError(f"ELF is {kind} (EI_CLASS); this machine runs 64-bit RISC-V")
    if data[5] != 1:
        order = "big-endian" if data[5] == 2 else f"of unknown byte order {data[5]}"
        raise ImageError(f"ELF is {order} (EI_DATA); this machine is little-endian")
    if data[6] != 1:
        raise ImageError(f"ELF has unknown version {data[6]} (EI_VERSION)")


def _check_header(h: _Header, size: int) -> None:
    """The file header, and that both tables lie inside the file."""
    if h.e_machine != EM_RISCV:
        raise ImageError(f"ELF is not for RISC-V: e_machine is {h.e_machine}, must be {EM_RISCV}")
    if h.e_type not in (ET_EXEC, ET_DYN):
        what = ELF_TYPES.get(h.e_type, "unknown")
        raise ImageError(f"ELF is not an executable: e_type is {h.e_type} ({what})")
    if h.e_version != 1:
        raise ImageError(f"ELF has unknown e_version {h.e_version}, must be 1")
    if h.e_ehsize != ELF_HEADER_SIZE:
        raise ImageError(f"ELF header: e_ehsize is {h.e_ehsize}, must be {ELF_HEADER_SIZE}")
    if h.e_phnum in (0, PN_XNUM):
        raise ImageError(f"ELF has no usable program headers: e_phnum is {h.e_phnum}")
    _check_table(size, "program", h.e_phoff, h.e_phnum, h.e_phentsize, PHDR_SIZE)
    if h.e_shoff and h.e_shnum:
        _check_table(size, "section", h.e_shoff, h.e_shnum, h.e_shentsize, SHDR_SIZE)
        if h.e_shstrndx >= h.e_shnum:
            raise ImageError(
                f"ELF header: e_shstrndx {h.e_shstrndx} is not one of {h.e_shnum} sections"
            )


def _check_sections(data: bytes, h: _Header) -> None:
    """The fields of section headers that reading symbols depends on."""
    table = data[h.e_shoff : h.e_shoff + h.e_shnum * SHDR_SIZE]
    sections = list(struct.iter_unpack("<IIQQQQIIQQ", table))
    for i, (_, kind, _, _, offset, size, link, _, _, entry) in enumerate(sections):
        where = f"ELF section {i}"
        if kind not in (SHT_NULL, SHT_NOBITS) and offset + size > len(data):
            raise ImageError(
                f"{where}: sh_offset {offset:#x} + sh_size {size:#x} is past the file's end "
                f"({len(data):#x})"
            )
        if kind != SHT_SYMTAB:
            continue
        if entry != SYMBOL_SIZE or size % SYMBOL_SIZE:
            raise ImageError(f"{where} (symbols): sh_size {size:#x}, sh_entsize {entry} (not 24)")
        if link >= h.e_shnum or sections[link][1] != SHT_STRTAB:
            raise ImageError(f"{where} (symbols): sh_link {link} is not a string table")


def _check_table(size: int, what: str, offset: int, count: int, entry: int, expected: int) -> None:
    letter = what[0]
    if entry != expected:
        raise ImageError(f"ELF {what} headers: e_{letter}hentsize is {entry}, must be {expected}")
    if offset + count * entry > size:
        raise ImageError(
            f"ELF {what} header table is out of range: e_{letter}hoff {offset:#x}, "
            f"e_{letter}hnum {count}, in a file of {size} bytes"
        )


def _check_segments(loaded: list[Any], size: int) -> None:
    """Each loadable segment by itself, then that no two claim the same memory."""
    if not loaded:
        raise ImageError("ELF has no loadable segment (PT_LOAD with p_memsz > 0)")
    for h in loaded:
        where = f"ELF segment at p_paddr {h['p_paddr']:#x}"
        if h["p_filesz"] > h["p_memsz"]:
            raise ImageError(
                f"{where}: p_filesz {h['p_filesz']:#x} exceeds p_memsz {h['p_memsz']:#x}"
            )
        if h["p_offset"] + h["p_filesz"] > size:
            raise ImageError(
                f"{where} is truncated: p_offset {h['p_offset']:#x} + p_filesz "
                f"{h['p_filesz']:#x} is past the file's end ({size:#x})"
            )
        if h["p_paddr"] + h["p_memsz"] > ADDRESS_LIMIT:
            raise ImageError(f"{where}: p_memsz {h['p_memsz']:#x} goes beyond 56-bit addresses")
        if h["p_vaddr"] + h["p_memsz"] > 1 << 64:
            raise ImageError(f"{where}: p_vaddr {h['p_vaddr']:#x} + p_memsz wraps around")
        if h["p_align"] & h["p_align"] - 1:
            raise ImageError(f"{where}: p_align {h['p_align']:#x} is not a power of two")
    ordered = sorted(loaded, key=lambda h: h["p_paddr"])
    for low, high in zip(ordered, ordered[1:], strict=False):
        if low["p_paddr"] + low["p_memsz"] > high["p_paddr"]:
            raise ImageError(
                f"ELF segments overlap: p_paddr {low['p_paddr']:#x} + p_memsz "
                f"{low['p_memsz']:#x} reaches into the one at {high['p_paddr']:#x}"
            )


def _physical_entry(entry: int, loaded: list[Any]) -> int:
    """e_entry is virtual: translate it through the segment that holds it.

    Some kernels give a physical one although they are linked high; it is taken as it is.
    """
    if entry & 1:
        raise ImageError(f"ELF e_entry {entry:#x} is odd; instructions are 2-byte aligned")
    for base, shift in (("p_vaddr", True), ("p_paddr", False)):
        for h in loaded:
            if h[base] <= entry < h[base] + h["p_memsz"]:
                return entry - h["p_vaddr"] + h["p_paddr"] if shift else entry
    raise ImageError(f"ELF e_entry {entry:#x} lies outside every loaded segment")


def _symbols(elf: ELFFile, data: bytes) -> dict[str, int]:
    """Named functions, objects and labels; {} for a stripped file.

    Read with struct: a kernel has 100,000 of them.
    """
    symbols: dict[str, int] = {}
    for section in elf.iter_sections("SHT_SYMTAB"):
        names = _content(elf.get_section(section.header["sh_link"]).header, data)
        table = _content(section.header, data)
        for at, info, _, _, value, _ in struct.iter_unpack("<IBBHQQ", table):
            end = names.find(b"\0", at)
            if at and end > at and info & 15 not in (STT_SECTION, STT_FILE):
                symbols.setdefault(names[at:end].decode("utf-8", "replace"), value)
    return symbols


def _content(header: Any, data: bytes) -> bytes:
    """A section's bytes as they are in the file: never decompressed, however they are marked."""
    return data[header["sh_offset"] : header["sh_offset"] + header["sh_size"]]
