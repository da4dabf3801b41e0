"""Mounts as Linux keeps them: file trees, one tree of mounts per namespace, and propagation.

A place is a pair (mount, node): the same directory can be seen through several mounts. A mount
hangs on a node of its parent mount, at most one on each; a mount on another mount's own root
covers it. Peer groups copy what happens on one member to all members; slaves receive and do not
send. Rules: mount_namespaces(7), Documentation/filesystems/sharedsubtree.rst and, for umount,
propagate_umount.txt (the rules of Linux 6.17 and later).
"""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple


def fail(code: int, why: str) -> OSError:
    """The error of a system call: its errno and the rule that refused it."""
    return OSError(code, f"{errno.errorcode[code]}: {why}")


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
        """A new child; in an overlay it is made in the upper layer too."""
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
    """The node's copy in the upper layer of its overlay, made if missing: copy on write."""
    top = node.upper
    if top is not None and top.name == "(lower)":
        assert node.parent is not None
        node.upper = top = copy_up(node.parent).add(node.name, node.kind, node.owner, node.data)
    assert top is not None
    return top


def overlay(lowers: list[Node], upper: Node) -> Node:
    """One merged tree; the first layer that has a name wins, directories merge."""
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
        """This mount and all below it, parents first."""
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
        """A detached copy: a peer of this mount, or its slave."""
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
        """All mounts to which an event on this one is copied: peers, their slaves, and so on."""
        groups = [self.group] if self.group else []
        for group in groups:
            yield from (m for m in group.members if m is not self)
            for slave in group.slaves:
                if not slave.group:
                    yield slave
                elif slave.group not in groups:
                    groups.append(slave.group)


class MountNamespace:
    """A tree of mounts; the first one, never seen, is the kernel's own rootfs."""

    kind = "mnt"

    def __init__(self, user_ns: Any, root: Mount):
        self.user_ns, self.root = user_ns, root
        for mount in root.walk():
            mount.ns = self

    def copy(self, user_ns: Any) -> tuple[MountNamespace, dict[Mount, Mount]]:
        """unshare(CLONE_NEWNS): the copy and which mount became which. A less privileged owner
        gets slaves, and every mount locked, so that it cannot look under any of them."""
        foreign = user_ns is not self.user_ns
        root = copy_tree(self.root, self.root.root, slave=foreign, everything=True)
        if foreign:
            lock_tree(root)
        return MountNamespace(user_ns, root), dict(zip(self.root.walk(), root.walk(), strict=True))

    def root_place(self) -> Place:
        """Where `/` of the namespace is: through all that covers the first mount's root."""
        return Place(self.root, self.root.root).top()

    def dissolve(self) -> None:
        """The last process left: every mount goes, and nothing is told to other namespaces."""
        for mount in list(self.root.walk()):
            mount.ns = None
            mount.set_propagation("private")


def copy_tree(old: Mount, root: Node, slave: bool = False, share: bool = False,
              everything: bool = False) -> Mount:
    """Copy the mounts below `root`; unbindable ones are left out unless `everything`."""
    if old.unbindable and not everything:
        raise fail(errno.EINVAL, "the mount is unbindable")
    new = old.clone(root, slave, share)
    for child in old.children.values():
        assert child.at is not None
        if not child.at.inside(root) or (child.unbindable and not everything):
            continue
        copy = copy_tree(child, child.root, slave, share, everything)
        copy.locked = child.locked
        copy.attach(new, child.at)
    return new


def lock_tree(tree: Mount) -> None:
    """Seen from another user namespace, a tree's inner mounts and its read-only flags stay."""
    for mount in tree.walk():
        mount.ro_locked |= mount.read_only
        mount.locked |= mount is not tree


def graft(source: Mount, dest: Mount, at: Node, user_ns: Any) -> None:
    """Attach a tree, and copies of it wherever `dest` propagates; a mount that is already there
    ends up on top. `user_ns` owns the mount namespace of the caller."""
    trees = [(source, dest)]
    if dest.group:
        for mount in source.walk():
            mount.set_propagation("shared")
        trees += propagate(source, dest, at)
    source.detach()
    for tree, parent in trees:
        assert parent.ns is not None
        if parent.ns.user_ns is not user_ns:
            lock_tree(tree)
        below = parent.children.get(at)
        tree.attach(parent, at)
        for mount in tree.walk():
            mount.ns = parent.ns
        if below:
            top = tree
            while top.over:
                top = top.over
            below.attach(top, top.root)


def propagate(source: Mount, dest: Mount, at: Node) -> list[tuple[Mount, Mount]]:
    """Copies of `source` for all who hear of events on `dest`. Invariant: peers of `dest` get
    peers of `source`; slaves get slaves of the copy that their nearest master got."""
    made = {dest.group: source}
    copies = []
    for target in dest.receivers():
        if target.ns is None or not at.inside(target.root):
            continue
        if target.group in made:
            copy = copy_tree(made[target.group], source.root, share=True)
        else:
            master = target.master
            while master not in made:
                assert master is not None
                master = master.master
            copy = copy_tree(made[master], source.root, slave=True, share=bool(target.group))
            if target.group:
                made[target.group] = copy
        copies.append((copy, target))
    return copies


def busy(mount: Mount, pinned: set[Mount]) -> bool:
    """Would umount(2) say EBUSY? `pinned` are mounts that some process stands on."""
    assert mount.parent is not None and mount.at is not None
    if mount.children or mount in pinned:
        return True
    copies = [q.children[mount.at] for q in mount.parent.receivers() if mount.at in q.children]
    return any(c in pinned and (not c.children or list(c.children) == [c.root]) for c in copies)


def unmount(mount: Mount, lazy: bool) -> None:
    """Take the tree down here and wherever the event propagates without harm."""
    assert mount.parent is not None and mount.at is not None
    for place in mount.parent.receivers():
        if copy := place.children.get(mount.at):
            copy.locked = False  # who may unmount it here has seen what is below
    gone = unmount_set(list(mount.walk()))
    moves = [(m.over, *landing(m, gone)) for m in gone if m.over and m.over not in gone]
    for m in gone:
        m.ns = None
        m.set_propagation("private")
        if not (lazy and m.locked and m.parent in gone):
            m.detach()
    for survivor, parent, at in moves:
        survivor.detach()
        survivor.attach(parent, at)


def unmount_set(doomed: list[Mount]) -> list[Mount]:
    """`doomed` and its copies that may go too. A copy stays if something that stays hangs in it
    (other than over its root), or if it is locked and its parent stays."""
    gone = dict.fromkeys(doomed)
    for m in doomed:
        assert m.parent is not None and m.at is not None
        copies = (q.children.get(m.at) for q in m.parent.receivers())
        gone.update(dict.fromkeys(c for c in copies if c))

    def leaves_something(m: Mount) -> bool:
        return m not in gone or any(leaves_something(c) for c in m.children.values())

    def stays(m: Mount) -> bool:
        return any(leaves_something(c) for c in m.children.values() if c is not m.over)

    while bad := [m for m in gone if m not in doomed and stays(m)]:
        for m in bad:
            del gone[m]
    while bad := [m for m in gone if m not in doomed and m.locked and m.parent not in gone]:
        for m in bad:
            del gone[m]
    return list(gone)


def landing(mount: Mount, gone: list[Mount]) -> tuple[Mount, Node]:
    """Where the mount that covers a vanishing stack slides down to."""
    while True:
        parent, at = mount.parent, mount.at
        assert parent is not None and at is not None
        if parent not in gone:
            return parent, at
        mount = parent


class Place(NamedTuple):
    """A directory or file as a process reaches it."""

    mount: Mount
    node: Node

    def top(self) -> Place:
        """Through all mounts that cover this place."""
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
        """The path from `root` to this place, or None."""
        tail = ""
        here = self
        while here.mount is not root.mount and here.mount.parent and here.mount.at:
            tail = relative(here.node, here.mount.root) + tail
            here = Place(here.mount.parent, here.mount.at)
        if here.mount is not root.mount or not here.node.inside(root.node):
            return None
        return relative(here.node, root.node) + tail or "/"


def relative(node: Node, top: Node) -> str:
    """Path of `node` below `top`, with a leading slash; empty if they are the same."""
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
