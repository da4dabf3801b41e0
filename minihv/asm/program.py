"""What the assembler returns: a program in memory, and its form as an ELF file.

Source: System V ABI (gABI) chapters 4 and 5, ELF64; RISC-V ELF psABI (e_machine, e_flags).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

EM_RISCV = 243
EF_RISCV_RVC = 1
_SHF_WRITE, _SHF_ALLOC, _SHF_EXECINSTR = 1, 2, 4
_PROGBITS, _SYMTAB, _STRTAB, _NOBITS = 1, 2, 3, 8
_ABSOLUTE = 0xFFF1
_PAGE = 4096


class Extent(NamedTuple):
    """Where a section is: its address and its size in bytes."""

    name: str
    address: int
    size: int


@dataclass(frozen=True)
class Program:
    """An assembled program: `data` starts at address `origin`.

    `symbols` holds labels (addresses) and .equ names (values); `lines` maps the address of every
    instruction and datum to its line of the source, from 1. `data` includes the zeros of .bss.
    `labels` names every label's section, `globals` what .globl exported; `compressed` says
    whether there are 16-bit instructions.
    """

    origin: int
    data: bytes
    symbols: dict[str, int]
    lines: dict[int, int]
    sections: tuple[Extent, ...] = ()
    globals: frozenset[str] = frozenset()
    labels: dict[str, str] = field(default_factory=dict)
    compressed: bool = False

    @property
    def entry(self) -> int:
        """Return the address where it starts: ``_start``, without one the origin."""
        return self.symbols.get("_start", self.origin)

    def elf(self) -> bytes:
        """Return the program as an ELF64 executable: one segment, its sections, its symbols.

        Physical addresses equal the virtual ones. .bss takes no room in the file.
        """
        return _elf(self)


class _Strings:
    """An ELF string table."""

    def __init__(self) -> None:
        self.data = b"\0"

    def add(self, text: str) -> int:
        """Append `text`; return its offset."""
        self.data += text.encode() + b"\0"
        return len(self.data) - len(text.encode()) - 1


def _elf(program: Program) -> bytes:
    """Return the file: header, one segment's image on a page of its own, tables at the end."""
    sections = [section for section in program.sections if section.size]
    bss = sum(section.size for section in sections if section.name == ".bss")
    loaded = program.data[: len(program.data) - bss]
    file = bytearray(_PAGE) + loaded + bytes(-len(loaded) % 8)
    names, headers = _Strings(), [bytes(64)]

    def header(name: str, kind: int, flags: int, address: int, offset: int, size: int,
               link: int = 0, info: int = 0, align: int = 1, entry: int = 0) -> None:  # fmt: skip
        fields = (flags, address, offset, size, link, info, align, entry)
        headers.append(struct.pack("<IIQQQQIIQQ", names.add(name), kind, *fields))

    for name, address, size in sections:
        flags = _SHF_ALLOC | {".text": _SHF_EXECINSTR, ".rodata": 0}.get(name, _SHF_WRITE)
        kind = _NOBITS if name == ".bss" else _PROGBITS
        header(name, kind, flags, address, _PAGE + address - program.origin, size)
    table, strings, first_global = _symbols(program, [section.name for section in sections])
    header(".symtab", _SYMTAB, 0, 0, len(file), len(table), len(headers) + 1, first_global, 8, 24)
    file += table
    header(".strtab", _STRTAB, 0, 0, len(file), len(strings))
    file += strings
    header(".shstrtab", _STRTAB, 0, 0, len(file), len(names.data) + len(".shstrtab") + 1)
    file += names.data
    file += bytes(-len(file) % 8)
    flags = EF_RISCV_RVC if program.compressed else 0
    front = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    front += struct.pack("<HHIQQQIHHHHHH", 2, EM_RISCV, 1, program.entry, 64, len(file), flags,
                         64, 56, 1, 64, len(headers), len(headers) - 1)  # fmt: skip
    front += struct.pack("<IIQQQQQQ", 1, 7, _PAGE, program.origin, program.origin, len(loaded),
                         len(program.data), 1)  # fmt: skip
    return front + file[len(front) :] + b"".join(headers)


class _Symbols(NamedTuple):
    """A symbol table and its strings; locals come first, so that the first global one is known."""

    table: bytes
    strings: bytes
    first_global: int


def _symbols(program: Program, sections: list[str]) -> _Symbols:
    index = {name: number for number, name in enumerate(sections, 1)}
    strings, table = _Strings(), bytes(24)
    names = [name for name in program.symbols if not name.startswith(".L")]
    names.sort(key=lambda name: (name in program.globals, program.symbols[name]))
    for name in names:
        info = 16 if name in program.globals else 0
        where = index.get(program.labels.get(name, ""), _ABSOLUTE)
        value = program.symbols[name] & (1 << 64) - 1
        table += struct.pack("<IBBHQQ", strings.add(name), info, 0, where, value, 0)
    local = sum(name not in program.globals for name in names)
    return _Symbols(table, strings.data, 1 + local)
