"""ELF files, as far as loading a guest needs them (System V ABI, chapters 4 and 5).

Every field that decides where to look is checked before it is used. Whatever is wrong with a
file is an ImageError of one line that names the field.
"""

from __future__ import annotations

import struct
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass

from minihv.errors import ImageError

Segment = tuple[int, bytes, int]  # guest physical address, bytes, size in memory (rest is zero)

ADDRESS_LIMIT = 1 << 56  # physical addresses of RV64 have 56 bits
ELF_MAGIC = b"\x7fELF"
ELF_HEADER_SIZE = 64
# Elf64_Ehdr after e_ident (e_flags, the float ABI, is ignored: a guest without F never uses it),
# Elf64_Phdr, Elf64_Shdr, Elf64_Sym.
EHDR, PHDR = struct.Struct("<HHIQQQIHHHHHH"), struct.Struct("<IIQQQQQQ")
SHDR, SYMBOL = struct.Struct("<IIQQQQIIQQ"), struct.Struct("<IBBHQQ")
Header = namedtuple("Header", "e_type e_machine e_version e_entry e_phoff e_shoff e_flags e_ehsize "
                    "e_phentsize e_phnum e_shentsize e_shnum e_shstrndx")  # fmt: skip
Program = namedtuple("Program", "type flags offset vaddr paddr filesz memsz align")
Section = namedtuple("Section", "name type flags addr offset size link info addralign entsize")
EM_RISCV, ET_EXEC, ET_DYN, PN_XNUM = 243, 2, 3, 0xFFFF
ELF_TYPES = {0: "no type", 1: "relocatable: link it first", 4: "core dump"}
PT_LOAD, PF_X = 1, 1
SHT_NULL, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_NOBITS, SHF_EXECINSTR = 0, 1, 2, 3, 8, 4
STT_SECTION, STT_FILE = 3, 4


@dataclass(frozen=True)
class Elf:
    """Segments in address order, physical entry, symbols with the addresses the file gives."""

    segments: list[Segment]
    entry: int
    symbols: dict[str, int]


def is_elf(data: bytes) -> bool:
    """Say whether the file begins as an ELF does, or is cut off before that can be told."""
    return data.startswith(ELF_MAGIC) or ELF_MAGIC.startswith(data)


def read_elf(data: bytes) -> Elf:
    """Check every field that loading depends on; ImageError names the first that is wrong."""
    _check_ident(data)
    header = Header._make(EHDR.unpack_from(data, 16))
    _check_header(header, len(data))
    sections = _sections(data, header)
    _check_sections(sections, len(data))
    loaded = [h for h in _programs(data, header) if h.type == PT_LOAD and h.memsz]
    loaded.sort(key=lambda h: h.paddr)
    _check_segments(loaded, len(data))
    entry = _physical_entry(header.e_entry, loaded)
    segments = [(h.paddr, data[h.offset : h.offset + h.filesz], h.memsz) for h in loaded]
    return Elf(segments, entry, _symbols(sections, data))


def executable(data: bytes) -> list[tuple[int, bytes]]:
    """Return (gva, bytes) of a checked file's code: of its sections, or if none, its segments."""
    header = Header._make(EHDR.unpack_from(data, 16))
    sections = [
        (h.addr, data[h.offset : h.offset + h.size])
        for h in _sections(data, header)
        if h.type == SHT_PROGBITS and h.flags & SHF_EXECINSTR
    ]
    return sections or [
        (h.vaddr, data[h.offset : h.offset + h.filesz])
        for h in _programs(data, header)
        if h.type == PT_LOAD and h.flags & PF_X
    ]


def _programs(data: bytes, h: Header) -> list[Program]:
    return [Program(*row) for row in _table(data, PHDR, h.e_phoff, h.e_phnum)]


def _sections(data: bytes, h: Header) -> list[Section]:
    rows = _table(data, SHDR, h.e_shoff, h.e_shnum) if h.e_shoff else ()
    return [Section(*row) for row in rows]


def _table(data: bytes, row: struct.Struct, offset: int, count: int) -> Iterator[tuple]:
    return row.iter_unpack(data[offset : offset + count * row.size])


def _check_ident(data: bytes) -> None:
    """Check e_ident: what must hold before any other field can be read."""
    _refuse((len(data) < ELF_HEADER_SIZE,
             f"ELF is truncated: {len(data)} bytes, its header needs 64"))
    kind = "32-bit" if data[4] == 1 else f"of unknown class {data[4]}"
    order = "big-endian" if data[5] == 2 else f"of unknown byte order {data[5]}"
    _refuse(
        (data[4] != 2, f"ELF is {kind} (EI_CLASS); this machine runs 64-bit RISC-V"),
        (data[5] != 1, f"ELF is {order} (EI_DATA); this machine is little-endian"),
        (data[6] != 1, f"ELF has unknown version {data[6]} (EI_VERSION)"),
    )


def _refuse(*checks: tuple[bool, str]) -> None:
    """Raise an ImageError for the first check (whether it is wrong, what to say) that is wrong."""
    for wrong, message in checks:
        if wrong:
            raise ImageError(message)


def _check_header(h: Header, size: int) -> None:
    """Check the file header, and that both tables are inside the file."""
    kind = f"e_type is {h.e_type} ({ELF_TYPES.get(h.e_type, 'unknown')})"
    _refuse(
        (h.e_machine != EM_RISCV,
         f"ELF is not for RISC-V: e_machine is {h.e_machine}, must be {EM_RISCV}"),
        (h.e_type not in (ET_EXEC, ET_DYN), f"ELF is not an executable: {kind}"),
        (h.e_version != 1, f"ELF has unknown e_version {h.e_version}, must be 1"),
        (h.e_ehsize != ELF_HEADER_SIZE, f"ELF header: e_ehsize is {h.e_ehsize}, must be 64"),
        (h.e_phnum in (0, PN_XNUM),
         f"ELF has no usable program headers: e_phnum is {h.e_phnum}"),
    )  # fmt: skip
    _check_table(size, "program", h.e_phoff, h.e_phnum, h.e_phentsize, PHDR.size)
    if h.e_shoff and h.e_shnum:
        _check_table(size, "section", h.e_shoff, h.e_shnum, h.e_shentsize, SHDR.size)
        _refuse((h.e_shstrndx >= h.e_shnum,
                 f"ELF header: e_shstrndx {h.e_shstrndx} is not one of {h.e_shnum} sections"))


def _check_table(size: int, what: str, offset: int, count: int, entry: int, expected: int) -> None:
    e = f"e_{what[0]}h"
    _refuse(
        (entry != expected, f"ELF {what} headers: {e}entsize is {entry}, must be {expected}"),
        (offset + count * entry > size, f"ELF {what} header table is out of range: {e}off "
         f"{offset:#x}, {e}num {count}, in a file of {size} bytes"),
    )  # fmt: skip


def _check_sections(sections: list[Section], size: int) -> None:
    """Check the fields of section headers that reading symbols depends on."""
    for i, h in enumerate(sections):
        where, symbols = f"ELF section {i}", h.type == SHT_SYMTAB
        linked = h.link < len(sections) and sections[h.link].type == SHT_STRTAB
        _refuse(
            (h.type not in (SHT_NULL, SHT_NOBITS) and h.offset + h.size > size,
             f"{where}: sh_offset {h.offset:#x} + sh_size {h.size:#x} is past the file's end "
             f"({size:#x})"),
            (symbols and (h.entsize != SYMBOL.size or h.size % SYMBOL.size > 0),
             f"{where} (symbols): sh_size {h.size:#x}, sh_entsize {h.entsize} (not 24)"),
            (symbols and not linked,
             f"{where} (symbols): sh_link {h.link} is not a string table"),
        )  # fmt: skip


def _check_segments(loaded: list[Program], size: int) -> None:
    """Check each loadable segment, and that no two (in address order) claim the same memory."""
    _refuse((not loaded, "ELF has no loadable segment (PT_LOAD with p_memsz > 0)"))
    for h in loaded:
        where = f"ELF segment at p_paddr {h.paddr:#x}"
        _refuse(
            (h.filesz > h.memsz, f"{where}: p_filesz {h.filesz:#x} exceeds p_memsz {h.memsz:#x}"),
            (h.offset + h.filesz > size, f"{where} is truncated: p_offset {h.offset:#x} + p_filesz "
             f"{h.filesz:#x} is past the file's end ({size:#x})"),
            (h.paddr + h.memsz > ADDRESS_LIMIT,
             f"{where}: p_memsz {h.memsz:#x} goes beyond 56-bit addresses"),
            (h.vaddr + h.memsz > 1 << 64, f"{where}: p_vaddr {h.vaddr:#x} + p_memsz wraps around"),
            (h.align & h.align - 1 > 0, f"{where}: p_align {h.align:#x} is not a power of two"),
        )  # fmt: skip
    for low, high in zip(loaded, loaded[1:], strict=False):
        _refuse((low.paddr + low.memsz > high.paddr, f"ELF segments overlap: p_paddr {low.paddr:#x}"
                 f" + p_memsz {low.memsz:#x} reaches into the one at {high.paddr:#x}"))


def _physical_entry(entry: int, loaded: list[Program]) -> int:
    """Translate e_entry, which is virtual, through the segment that holds it.

    Some kernels give a physical one although they are linked high; it is taken as it is.
    """
    if entry & 1:
        raise ImageError(f"ELF e_entry {entry:#x} is odd; instructions are 2-byte aligned")
    for h in loaded:
        if h.vaddr <= entry < h.vaddr + h.memsz:
            return entry - h.vaddr + h.paddr
    if any(h.paddr <= entry < h.paddr + h.memsz for h in loaded):
        return entry
    raise ImageError(f"ELF e_entry {entry:#x} lies outside every loaded segment")


def _symbols(sections: list[Section], data: bytes) -> dict[str, int]:
    """Return named functions, objects and labels; {} for a stripped file."""
    symbols: dict[str, int] = {}
    for h in sections:
        if h.type != SHT_SYMTAB:
            continue
        text = sections[h.link]
        names = data[text.offset : text.offset + text.size]
        for at, info, _, _, value, _ in _table(data, SYMBOL, h.offset, h.size // SYMBOL.size):
            end = names.find(b"\0", at)
            if at and end > at and info & 15 not in (STT_SECTION, STT_FILE):
                symbols.setdefault(names[at:end].decode("utf-8", "replace"), value)
    return symbols
