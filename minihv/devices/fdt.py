"""Device trees: the flattened form (Devicetree specification 0.4, chapter 5) and our board's tree.

A kernel learns from the tree what machine it runs on. The blob is four parts, all big-endian:

    header (40 bytes) | memory reservations | structure: tokens | strings: property names

The structure walks the tree: BEGIN_NODE name, PROP length name-offset value, END_NODE, END.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from minihv.errors import MinihvError

MAGIC, VERSION, LAST_COMPATIBLE = 0xD00DFEED, 17, 16
BEGIN_NODE, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9
HEADER = struct.Struct(">10I")
MAX_DEPTH = 64  # of a tree that we read; real ones stay below 10

# A property: cells (32-bit), text, a list of texts, raw bytes, or None for "present, empty".
Value = int | str | bytes | None | Sequence[int] | Sequence[str]


class DeviceTreeError(MinihvError):
    """A device-tree blob that cannot be read; names the field."""


@dataclass
class Node:
    """One node: `name` with its unit address, properties and children in order."""

    name: str = ""
    props: dict[str, Value] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    def find(self, path: str) -> Node | None:
        """The node at an absolute path such as "/soc/plic@c000000", or None."""
        node = self
        for name in filter(None, path.split("/")):
            found = [child for child in node.children if child.name == name]
            if not found:
                return None
            node = found[0]
        return node


def encode(value: Value) -> bytes:
    """A property's bytes: cells big-endian, texts each with a final NUL."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    items = [value] if isinstance(value, int | str) else value
    return b"".join(
        item.encode() + b"\0" if isinstance(item, str) else struct.pack(">I", item)
        for item in items
    )


def cells64(*values: int) -> list[int]:
    """Each 64-bit value as two cells, high one first (#address-cells = #size-cells = 2)."""
    return [cell for value in values for cell in (value >> 32, value & 0xFFFFFFFF)]


# --- writer --------------------------------------------------------------------------------


def flatten(root: Node, boot_hart: int = 0) -> bytes:
    """The blob of a tree, with no memory reservations; its length is a multiple of 8."""
    names: dict[str, int] = {}
    strings = bytearray()
    structure = bytearray()

    def walk(node: Node) -> None:
        structure.extend(struct.pack(">I", BEGIN_NODE) + _padded(node.name.encode() + b"\0"))
        for name, value in node.props.items():
            if name not in names:
                names[name] = len(strings)
                strings.extend(name.encode() + b"\0")
            data = encode(value)
            structure.extend(struct.pack(">III", PROP, len(data), names[name]) + _padded(data))
        for child in node.children:
            walk(child)
        structure.extend(struct.pack(">I", END_NODE))

    walk(root)
    structure.extend(struct.pack(">I", END))
    reservations = HEADER.size
    begin = reservations + 16  # the list's end: one empty entry
    text = begin + len(structure)
    total = text + len(strings) + 7 & ~7
    header = HEADER.pack(
        MAGIC, total, begin, text, reservations, VERSION, LAST_COMPATIBLE, boot_hart,
        len(strings), len(structure),
    )  # fmt: skip
    return (header + bytes(16) + bytes(structure) + bytes(strings)).ljust(total, b"\0")


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


# --- reader --------------------------------------------------------------------------------


def parse(blob: bytes) -> Node:
    """The tree in a blob, every property as bytes. DeviceTreeError for anything malformed."""
    if len(blob) < HEADER.size:
        raise DeviceTreeError(f"device tree is truncated: {len(blob)} bytes, header needs 40")
    magic, total, begin, text, _, version, last, _, _, size = HEADER.unpack_from(blob)
    if magic != MAGIC:
        raise DeviceTreeError(f"device tree: magic is {magic:#x}, not {MAGIC:#x}")
    if total > len(blob):
        raise DeviceTreeError(f"device tree is truncated: totalsize {total} of {len(blob)} bytes")
    if version < LAST_COMPATIBLE or last > VERSION:
        raise DeviceTreeError(f"device tree: version {version} (compatible {last}) is unknown")
    return _Reader(blob[:total], begin, text).tree()


class _Reader:
    """Walks the structure part; `at` is a byte offset into the blob."""

    def __init__(self, blob: bytes, begin: int, text: int):
        self.blob, self.at, self.text = blob, begin, text

    def tree(self) -> Node:
        """The root, which must be alone: BEGIN_NODE first, END after its END_NODE."""
        if self._token() != BEGIN_NODE:
            raise DeviceTreeError("device tree: the structure does not begin with a node")
        root = self._node(0)
        if self._token() != END:
            raise DeviceTreeError("device tree: the structure does not end after the root")
        return root

    def _node(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise DeviceTreeError(f"device tree: nodes nest deeper than {MAX_DEPTH}")
        name = self._text(self.at)
        self.at += len(name) + 4 & ~3
        node = Node(name.decode("latin-1"))
        while (token := self._token()) != END_NODE:
            if token == PROP:
                length, name_offset = self._word(), self._word()
                key = self._text(self.text + name_offset).decode("latin-1")
                node.props[key] = self._take(length)
            elif token == BEGIN_NODE:
                node.children.append(self._node(depth + 1))
            else:
                raise DeviceTreeError(f"device tree: unknown token {token:#x}")
        return node

    def _token(self) -> int:
        while (token := self._word()) == NOP:
            pass
        return token

    def _word(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def _take(self, n: int) -> bytes:
        data = self.blob[self.at : self.at + n]
        if len(data) < n:
            raise DeviceTreeError(f"device tree: structure runs past its end at offset {self.at}")
        self.at += n + 3 & ~3
        return data

    def _text(self, offset: int) -> bytes:
        end = self.blob.find(b"\0", offset)
        if end < 0:
            raise DeviceTreeError(f"device tree: text at offset {offset} has no end")
        return self.blob[offset:end]


# --- the virt board ------------------------------------------------------------------------

PHANDLE_PLIC, PHANDLE_FINISHER, PHANDLE_HARTS = 1, 2, 3  # two handles for each hart
SOFTWARE, TIMER, EXTERNAL = 1, 5, 9  # S-mode interrupt numbers; M-mode's are 2 higher


def virt_tree(
    memory_base: int,
    memory_size: int,
    harts: int,
    isa: str,
    bootargs: str = "",
    initrd: tuple[int, int] | None = None,
    timebase: int = 10_000_000,
    sources: int = 96,
    devices: Sequence[Node] = (),
) -> bytes:
    """The blob for the board, laid out as QEMU lays out its own (hw/riscv/virt.c).

    Addresses are guest physical, sizes bytes, `timebase` Hz; `initrd` is (start, end). `isa` is
    an ISA string such as "rv64imac_zicsr_zifencei". `devices` are added to /soc; their
    interrupt-parent is `PHANDLE_PLIC`.
    """
    wide: dict[str, Value] = {"#address-cells": 2, "#size-cells": 2}
    soc: dict[str, Value] = {**wide, "compatible": "simple-bus", "ranges": None}
    root = Node(
        "",
        {**wide, "compatible": "riscv-virtio", "model": "minihv,virt"},
        [
            Node("chosen", _chosen(bootargs, initrd)),
            Node(
                f"memory@{memory_base:x}",
                {"device_type": "memory", "reg": cells64(memory_base, memory_size)},
            ),
            _cpus(harts, isa, timebase),
            _syscon("poweroff", 0x5555),
            _syscon("reboot", 0x7777),
            Node("soc", soc, [*_platform(harts, sources), *devices]),
        ],
    )
    return flatten(root)


def _chosen(bootargs: str, initrd: tuple[int, int] | None) -> dict[str, Value]:
    props: dict[str, Value] = {"stdout-path": "/soc/serial@10000000"}
    if bootargs:
        props["bootargs"] = bootargs
    if initrd:
        props["linux,initrd-start"] = cells64(initrd[0])
        props["linux,initrd-end"] = cells64(initrd[1])
    return props


def _cpus(harts: int, isa: str, timebase: int) -> Node:
    props: dict[str, Value] = {
        "#address-cells": 1,
        "#size-cells": 0,
        "timebase-frequency": timebase,
    }
    cores = [Node(f"core{h}", {"cpu": PHANDLE_HARTS + 2 * h}) for h in range(harts)]
    cpu_map = Node("cpu-map", {}, [Node("cluster0", {}, cores)])
    return Node("cpus", props, [*(_cpu(h, isa) for h in range(harts)), cpu_map])


def _cpu(hart: int, isa: str) -> Node:
    single, *named = isa.split("_")
    controller: dict[str, Value] = {
        "#interrupt-cells": 1,
        "interrupt-controller": None,
        "compatible": "riscv,cpu-intc",
        "phandle": _intc(hart),
    }
    props: dict[str, Value] = {
        "phandle": PHANDLE_HARTS + 2 * hart,
        "device_type": "cpu",
        "reg": hart,
        "status": "okay",
        "compatible": "riscv",
        "riscv,isa": isa,
        "riscv,isa-base": single[:5],  # "rv64i": the newer form, which kernels prefer
        "riscv,isa-extensions": [*single[4:], *named],
        "mmu-type": "riscv,sv39",
    }
    return Node(f"cpu@{hart:x}", props, [Node("interrupt-controller", controller)])


def _intc(hart: int) -> int:
    """The phandle of a hart's own interrupt controller."""
    return PHANDLE_HARTS + 2 * hart + 1


def _syscon(name: str, value: int) -> Node:
    """How a kernel ends the machine: it writes `value` to the finisher."""
    return Node(
        name,
        {
            "value": value,
            "offset": 0,
            "regmap": PHANDLE_FINISHER,
            "compatible": f"syscon-{name}",
        },
    )


def _platform(harts: int, sources: int) -> list[Node]:
    """The devices that every board has."""
    wires = [_intc(h) for h in range(harts)]
    return [
        _device("serial", 0x10000000, 0x100, "ns16550a", {
            "interrupts": 10, "interrupt-parent": PHANDLE_PLIC, "clock-frequency": 3686400,
        }),
        _device("test", 0x100000, 0x1000, ["sifive,test1", "sifive,test0", "syscon"], {
            "phandle": PHANDLE_FINISHER,
        }),
        _device("plic", 0xC000000, 0x600000, ["sifive,plic-1.0.0", "riscv,plic0"], {
            "phandle": PHANDLE_PLIC, "riscv,ndev": sources - 1, "interrupt-controller": None,
            "#address-cells": 0, "#interrupt-cells": 1,
            "interrupts-extended": [c for w in wires for c in (w, EXTERNAL + 2, w, EXTERNAL)],
        }),
        _device("clint", 0x2000000, 0x10000, ["sifive,clint0", "riscv,clint0"], {
            "interrupts-extended": [c for w in wires for c in (w, SOFTWARE + 2, w, TIMER + 2)],
        }),
    ]  # fmt: skip


def _device(
    name: str, base: int, size: int, compatible: str | list[str], props: dict[str, Value]
) -> Node:
    return Node(
        f"{name}@{base:x}", {"compatible": compatible, "reg": cells64(base, size), **props}
    )
