"""What a mount, a move and an umount do elsewhere: to peers, and to their slaves.

Rules: mount_namespaces(7), Documentation/filesystems/sharedsubtree.rst and, for umount,
propagate_umount.txt (the rules of Linux 6.17 and later).
"""

from __future__ import annotations

import errno
from typing import Any

from minihv.containers.model.mounts import Mount
from minihv.containers.model.refusal import fail
from minihv.containers.model.tree import Node


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
    """Return copies of `source` for all that hear of events on `dest`. Invariant: its peers get
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


# ---- unmounting -------------------------------------------------------------------------


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
    """Return `doomed` and the copies that go too. A copy stays if something that stays hangs in it
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
    """Return where the mount that covers a vanishing stack slides down to."""
    while True:
        parent, at = mount.parent, mount.at
        assert parent is not None and at is not None
        if parent not in gone:
            return parent, at
        mount = parent
