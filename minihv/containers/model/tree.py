"""File systems: trees of nodes, and overlays of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Node:
    """A file or directory; `owner` is a kernel uid; `upper` is its copy in an overlay's top."""

    name: str
    parent: Node | None = None
    kind: str = "dir"
    owner: int = 0
    data: str = ""
    children: dict[str, Node] = field(default_factory=dict)
    upper: Node | None = None

    def add(self, name: str, kind: str = "dir", owner: int = 0, data: str = "") -> Node:
        """Make a child; in an overlay it is made in the upper layer too."""
        upper = copy_up(self).add(name, kind, owner, data) if self.upper else None
        self.children[name] = Node(name, self, kind, owner, data, upper=upper)
        return self.children[name]

    def inside(self, other: Node) -> bool:
        """Is this node `other` or below it?"""
        return self is other or (self.parent is not None and self.parent.inside(other))

    @property
    def path(self) -> str:
        """From the root of its file system."""
        if self.parent is None:
            return "/"
        return self.parent.path.rstrip("/") + "/" + self.name


def copy_up(node: Node) -> Node:
    """Return the node's copy in the upper layer of its overlay, made if missing: copy on write."""
    top = node.upper
    if top is not None and top.name == "(lower)":
        assert node.parent is not None
        node.upper = top = copy_up(node.parent).add(node.name, node.kind, node.owner, node.data)
    assert top is not None
    return top


def overlay(lowers: list[Node], upper: Node) -> Node:
    """Return one merged tree; the first layer that has a name wins, directories merge."""
    lower = Node("(lower)")

    def merge(layers: list[Node], parent: Node | None, top: Node) -> Node:
        first = layers[0]
        node = Node(first.name, parent, first.kind, first.owner, first.data, upper=top)
        for name in dict.fromkeys(n for layer in layers for n in layer.children):
            below = [x.children[name] for x in layers if name in x.children]
            own = top.children.get(name, lower)
            node.children[name] = merge(below, node, own)
        return node

    return merge([upper, *lowers], None, upper)


@dataclass(eq=False)
class FileSystem:
    """A superblock: one tree of nodes, owned by a user namespace."""

    fstype: str
    source: str
    user_ns: Any
    root: Node
