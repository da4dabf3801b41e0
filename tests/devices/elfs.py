"""A small ELF writer for tests: every field can be set, so every field can be wrong."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field


@dataclass
class Load:
    """A program header and its bytes; `offset` and `filesz` default to the truth."""

    paddr: int
    data: bytes = b"\x13\0\0\0" * 4
    memsz: int | None = None
    vaddr: int | None = None
    align: int = 0x1000
    type: int = 1
    offset: int | None = None
    filesz: int | None = None


@dataclass
class Elf:
    """An ELF to be; `header` overrides fields of Elf64_Ehdr by name."""

    loads: list[Load] = field(default_factory=lambda: [Load(0x80000000)])
    symbols: dict[str, int] = field(default_factory=dict)
    header: dict[str, int] = field(default_factory=dict)
    ident: bytes = b"\x7fELF\2\1\1".ljust(16, b"\0")

    def build(self) -> bytes:
        """File layout: header, program headers, segments, symbols, names, section headers."""
        body = bytearray()
        start = 64 + 56 * len(self.loads)
        programs = b""
        for load in self.loads:
            offset = start + len(body) if load.offset is None else load.offset
            size = len(load.data) if load.filesz is None else load.filesz
            memsz = len(load.data) if load.memsz is None else load.memsz
            vaddr = load.paddr if load.vaddr is None else load.vaddr
            programs += struct.pack(
                "<IIQQQQQQ", load.type, 7, offset, vaddr, load.paddr, size, memsz, load.align
            )
            body += load.data
        sections = self._sections(start, body)
        fields = {
            "e_type": 2, "e_machine": 243, "e_version": 1, "e_entry": 0x80000000, "e_phoff": 64,
            "e_shoff": start + len(body) if sections else 0, "e_flags": 0, "e_ehsize": 64,
            "e_phentsize": 56, "e_phnum": len(self.loads), "e_shentsize": 64,
            "e_shnum": len(sections) // 64, "e_shstrndx": 2 if sections else 0,
        } | self.header  # fmt: skip
        head = self.ident + struct.pack("<HHIQQQIHHHHHH", *fields.values())
        return head + programs + bytes(body) + sections

    def _sections(self, start: int, body: bytearray) -> bytes:
        """Null, .symtab and .strtab (which also names the sections); b"" without symbols."""
        if not self.symbols:
            return b""
        names, table = bytearray(b"\0.symtab\0.strtab\0"), bytearray(24)
        for name, value in self.symbols.items():
            table += struct.pack("<IBBHQQ", len(names), 0x12, 0, 1, value, 0)
            names += name.encode() + b"\0"
        at = start + len(body)
        body += table + names
        symtab = (1, 2, 0, 0, at, len(table), 2, 1, 8, 24)
        strtab = (9, 3, 0, 0, at + len(table), len(names), 0, 0, 1, 0)
        return bytes(64) + b"".join(struct.pack("<IIQQQQIIQQ", *s) for s in (symtab, strtab))
