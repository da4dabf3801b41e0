"""Mounts as Linux keeps them, one tree per namespace; and the places that paths reach in it.

A place is a pair (mount, node): the same directory can be seen through several mounts. A mount
hangs on a node of its parent mount, at most one on each; a mount on another mount's own root
covers it. Peer groups copy what happens on one member to all members; slaves receive and do not
send. Rules: mount_namespaces(7), Documentation/filesystems/sharedsubtree.rst.
"""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from minihv.containers.model.refusal import fail
from minihv.containers.model.tree import FileSystem, Node

if TYPE_CHECKING:
    from minihv.containers.model.mounting import MountNamespace


class PeerGroup:
    """Mounts that copy their events to each other; `slaves` only receive them."""

    numbers = itertools.count(1)

    def __init__(self) -> None:
        self.number = next(self.numbers)
        self.members: list[Mount] = []
        self.slaves: list[Mount] = []

    @property
    def master(self) -> PeerGroup | None:
        """All members of a group have the same master."""
        return self.members[0].master


@dataclass(eq=False)
class Mount:
    """One attachment of (a subtree of) a file system; `ns` is None once it is detached."""

    fs: FileSystem
    root: Node
    read_only: bool = False
    ro_locked: bool = False
    locked: bool = False
    unbindable: bool = False
    parent: Mount | None = None
    at: Node | None = None
    ns: MountNamespace | None = None
    group: PeerGroup | None = None
    master: PeerGroup | None = None
    children: dict[Node, Mount] = field(default_factory=dict)
    number: int = field(default_factory=itertools.count(1).__next__)

    @property
    def over(self) -> Mount | None:
        """The mount that covers this one's root."""
        return self.children.get(self.root)

    def attach(self, parent: Mount, at: Node) -> None:
        """Hang this mount on a node of `parent` that carries none yet."""
        self.parent, self.at, parent.children[at] = parent, at, self

    def detach(self) -> None:
        """Take this mount (with what hangs below it) off its parent."""
        if self.parent is not None and self.at is not None:
            del self.parent.children[self.at]
        self.parent = self.at = None

    def walk(self) -> Iterator[Mount]:
        """Yield this mount and all below it, parents first."""
        yield self
        for child in list(self.children.values()):
            yield from child.walk()

    def join(self, group: PeerGroup | None) -> None:
        """Become a peer in `group`."""
        self.group = group
        if group:
            group.members.append(self)

    def follow(self, master: PeerGroup | None) -> None:
        """Become a slave of `master` (None: of nobody)."""
        if self.master:
            self.master.slaves.remove(self)
        self.master = master
        if master:
            master.slaves.append(self)

    def set_propagation(self, kind: str) -> None:
        """mount(2) with MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE."""
        if kind == "shared":
            self.unbindable = False
            if not self.group:
                self.join(PeerGroup())
            return
        source = self.master
        if group := self.group:
            group.members.remove(self)
            self.group = None
            if group.members:
                source = group
            else:  # the last peer went: its slaves now follow whom it followed
                for slave in list(group.slaves):
                    slave.follow(source)
        self.follow(source if kind == "slave" else None)
        if kind != "slave":
            self.unbindable = kind == "unbindable"

    def clone(self, root: Node, slave: bool = False, share: bool = False) -> Mount:
        """Return a detached copy: a peer of this mount, or its slave."""
        new = Mount(self.fs, root, self.read_only, self.ro_locked)
        if slave and self.group:
            new.follow(self.group)
        else:
            new.join(self.group)
            new.follow(self.master)
        if share and not new.group:
            new.join(PeerGroup())
        return new

    def receivers(self) -> Iterator[Mount]:
        """Yield the mounts to which an event on this one is copied: peers, their slaves, ..."""
        groups = [self.group] if self.group else []
        for group in groups:
            yield from (m for m in group.members if m is not self)
            for slave in group.slaves:
                if not slave.group:
                    yield slave
                elif slave.group not in groups:
                    groups.append(slave.group)


# ---- places -------------------------------------------------------------------------------------


class Place(NamedTuple):
    """A directory or file as a process reaches it."""

    mount: Mount
    node: Node

    def top(self) -> Place:
        """Return what is on top of all mounts that cover this place."""
        here = self
        while mount := here.mount.children.get(here.node):
            here = Place(mount, mount.root)
        return here

    @property
    def mounted(self) -> bool:
        """Is this the root of its mount?"""
        return self.node is self.mount.root

    def parent(self, root: Place) -> Place:
        """`..`: never above `root`, but only if the walk passes it (the chroot escape)."""
        here = self
        while here != root and here.mounted and here.mount.parent and here.mount.at:
            here = Place(here.mount.parent, here.mount.at)
        if here != root and not here.mounted and here.node.parent:
            here = Place(here.mount, here.node.parent)
        return here.top()

    def reached_from(self, root: Place) -> str | None:
        """Return the path from `root` to this place, or None."""
        tail = ""
        here = self
        while here.mount is not root.mount and here.mount.parent and here.mount.at:
            tail = relative(here.node, here.mount.root) + tail
            here = Place(here.mount.parent, here.mount.at)
        if here.mount is not root.mount or not here.node.inside(root.node):
            return None
        return relative(here.node, root.node) + tail or "/"


def relative(node: Node, top: Node) -> str:
    """Return the path of `node` below `top`, with a leading slash; empty if they are the same."""
    if node is top or node.parent is None:
        return ""
    return relative(node.parent, top) + "/" + node.name


def lookup(path: str, cwd: Place, root: Place) -> Place:
    """Resolve a path. A mount on the very root is not entered by `/`, as in Linux."""
    here = root if path.startswith("/") else cwd
    for name in (n for n in path.split("/") if n not in ("", ".")):
        if here.node.kind != "dir":
            raise fail(errno.ENOTDIR, f"{here.node.name} is not a directory")
        if name == "..":
            here = here.parent(root)
        elif name in here.node.children:
            here = Place(here.mount, here.node.children[name]).top()
        else:
            raise fail(errno.ENOENT, f"no {name} in {here.node.path}")
    return here
