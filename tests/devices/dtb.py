"""Reads device-tree blobs, checking every field: what `minihv.devices.fdt` and QEMU wrote."""

from __future__ import annotations

from minihv.devices.fdt import (
    BEGIN_NODE,
    END,
    END_NODE,
    HEADER,
    LAST_COMPATIBLE,
    MAGIC,
    PROP,
    VERSION,
    Node,
)

NOP = 4  # a token that our writer never writes
MAX_DEPTH = 64  # real trees stay below 10


class DeviceTreeError(Exception):
    """A device-tree blob that cannot be read; names the field."""


def find(node: Node, path: str) -> Node | None:
    """Return the node at an absolute path such as "/soc/plic@c000000", or None."""
    for name in filter(None, path.split("/")):
        found = [child for child in node.children if child.name == name]
        if not found:
            return None
        node = found[0]
    return node


def parse(blob: bytes) -> Node:
    """Return the tree in a blob, all properties as bytes; DeviceTreeError if it is malformed."""
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
        """Return the root, which must be alone: BEGIN_NODE first, END after its END_NODE."""
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
