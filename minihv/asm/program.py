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
    """Where a section lies: its address and its size in bytes."""

    name: str
    address: int
    size: int


@dataclass(frozen=True)
class Program:
    """An assembled program: `data` lies at address `origin`.

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
        """The address where it starts: ``_start``, without one the origin."""
        return self.symbols.get("_start", self.origin)

    def elf(self) -> bytes:
        """The program as an ELF64 executable: one segment, its sections, its symbols.

        Physical addresses equal the virtual ones. .bss takes no room in the file.
        """
        return _Elf(self).build()


class _Strings:
    """An ELF string table."""

    def __init__(self) -> None:
        self.data = b"\0"

    def add(self, text: str) -> int:
        """The offset of `text`, which is added."""
        self.data += text.encode() + b"\0"
        return len(self.data) - len(text.encode()) - 1


class _Elf:
    """Builds the file: header, one segment's image on a page of its own, tables at the end."""

    def __init__(self, program: Program):
        self.program = program
        self.sections = [section for section in program.sections if section.size]
        self.bss = sum(section.size for section in self.sections if section.name == ".bss")
        self.names = _Strings()
        self.file = bytearray(_PAGE)
        self.headers = bytearray(64)  # section 0 is empty

    def build(self) -> bytes:
        program = self.program
        self.file += program.data[: len(program.data) - self.bss]
        for section in self.sections:
            self._loaded(section)
        self._pad()
        symbols, strings, first_global = self._symbols()
        link = len(self.sections) + 2
        self._table(".symtab", _SYMTAB, symbols, link, first_global, 8, 24)
        self._table(".strtab", _STRTAB, strings)
        name = self.names.add(".shstrtab")
        self._table(name, _STRTAB, self.names.data)
        self._pad()
        self.file[:120] = self._front()
        return bytes(self.file + self.headers)

    def _pad(self) -> None:
        self.file += bytes(-len(self.file) % 8)

    def _front(self) -> bytes:
        """The ELF header and one program header (readable, writable, executable)."""
        program = self.program
        flags = EF_RISCV_RVC if program.compressed else 0
        count = len(self.headers) // 64
        ident = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
        header = struct.pack("<HHIQQQIHHHHHH", 2, EM_RISCV, 1, program.entry, 64, len(self.file),
                             flags, 64, 56, 1, 64, count, count - 1)  # fmt: skip
        size = len(program.data)
        segment = struct.pack("<IIQQQQQQ", 1, 7, _PAGE, program.origin, program.origin,
                              size - self.bss, size, 1)  # fmt: skip
        return ident + header + segment

    def _loaded(self, section: Extent) -> None:
        kind = _NOBITS if section.name == ".bss" else _PROGBITS
        flags = _SHF_ALLOC | {".text": _SHF_EXECINSTR, ".rodata": 0}.get(section.name, _SHF_WRITE)
        at = _PAGE + section.address - self.program.origin
        self._header(self.names.add(section.name), kind, flags, section.address, at,
                     section.size, 0, 0, 1, 0)  # fmt: skip

    def _table(self, name: str | int, kind: int, data: bytes, link: int = 0, info: int = 0,
               align: int = 1, entry: int = 0) -> None:  # fmt: skip
        offset = self.names.add(name) if isinstance(name, str) else name
        self._header(offset, kind, 0, 0, len(self.file), len(data), link, info, align, entry)
        self.file += data

    def _header(self, *fields: int) -> None:
        """name, type, flags, address, file offset, size, link, info, alignment, entry size."""
        self.headers += struct.pack("<IIQQQQIIQQ", *fields)

    def _symbols(self) -> tuple[bytes, bytes, int]:
        """The symbol table, its strings, the index of its first global symbol; locals first."""
        program = self.program
        index = {section.name: i for i, section in enumerate(self.sections, 1)}
        strings = _Strings()
        table = bytes(24)
        names = [name for name in program.symbols if not name.startswith(".L")]
        names.sort(key=lambda name: (name in program.globals, program.symbols[name]))
        for name in names:
            info = 16 if name in program.globals else 0
            where = index.get(program.labels.get(name, ""), _ABSOLUTE)
            value = program.symbols[name] & (1 << 64) - 1
            table += struct.pack("<IBBHQQ", strings.add(name), info, 0, where, value, 0)
        return table, strings.data, 1 + sum(name not in program.globals for name in names)
