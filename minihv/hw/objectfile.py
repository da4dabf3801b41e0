"""What is needed of the object files that LLVM writes: ELF64, little-endian, one section of code.

Source: System V ABI, chapters 4 (object files) and, for x86-64's relocations, the psABI's 4.4.
"""

from __future__ import annotations

import struct
from typing import NamedTuple


class Relocation(NamedTuple):
    """Where in the code the address of a symbol is to be put, and how (`kind` of the psABI)."""

    offset: int
    kind: int
    symbol: str
    addend: int


class ObjectFile(NamedTuple):
    """The code, its functions (name: first byte, first after it), its relocations."""

    code: bytes
    functions: dict[str, tuple[int, int]]
    relocations: list[Relocation]


def read_object(data: bytes) -> ObjectFile:
    """Return an object file's contents; ValueError if it needs data beside its code."""
    (table,) = struct.unpack_from("<Q", data, 40)
    count, names = struct.unpack_from("<HH", data, 60)
    headers = [struct.unpack_from("<IIQQQQ", data, table + 64 * k) for k in range(count)]
    parts = {_text(data, headers[names][4] + name): data[at : at + size]
             for name, _, _, _, at, size in headers}  # fmt: skip
    if any(name.startswith((".rodata", ".data")) for name in parts):
        raise ValueError("this code needs constants that lie elsewhere")
    symbols, functions = [], {}
    for name, info, _, _, value, size in struct.iter_unpack("<IBBHQQ", parts[".symtab"]):
        symbols.append(_text(parts[".strtab"], name))
        if info & 15 == 2:  # STT_FUNC
            functions[symbols[-1]] = value, value + size
    relocations = [Relocation(offset, info & 0xFFFFFFFF, symbols[info >> 32], addend)
                   for offset, info, addend in
                   struct.iter_unpack("<QQq", parts.get(".rela.text", b""))]  # fmt: skip
    return ObjectFile(parts[".text"], functions, relocations)


def _text(strings: bytes, at: int) -> str:
    return strings[at : strings.index(b"\0", at)].decode()
