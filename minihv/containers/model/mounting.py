"""Mount namespaces, and the calls on mounts: mount, umount, pivot_root.

Rules: mount_namespaces(7), mount(2), pivot_root(2).
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import Any

from minihv.containers.model.files import Files
from minihv.containers.model.mounts import Mount, Place
from minihv.containers.model.propagation import busy, copy_tree, graft, lock_tree, unmount
from minihv.containers.model.refusal import fail
from minihv.containers.model.task import Task
from minihv.containers.model.tree import FileSystem, Node, overlay
from minihv.containers.model.users import UserNamespace

PROPAGATION = ("shared", "slave", "private", "unbindable")


class MountNamespace:
    """A tree of mounts; the first one, never seen, is the kernel's own rootfs."""

    kind = "mnt"

    def __init__(self, user_ns: UserNamespace, root: Mount):
        self.user_ns, self.root = user_ns, root
        for mount in root.walk():
            mount.ns = self

    def copy(self, user_ns: UserNamespace) -> tuple[MountNamespace, dict[Mount, Mount]]:
        """Return the copy of unshare(CLONE_NEWNS), and which mount became which. A less privileged
        owner gets slaves, and every mount locked, so that it cannot look under any of them."""
        foreign = user_ns is not self.user_ns
        root = copy_tree(self.root, self.root.root, slave=foreign, everything=True)
        if foreign:
            lock_tree(root)
        return MountNamespace(user_ns, root), dict(zip(self.root.walk(), root.walk(), strict=True))

    def root_place(self) -> Place:
        """Return where `/` of the namespace is: through all that covers the first mount's root."""
        return Place(self.root, self.root.root).top()

    def install(self, process: Task) -> None:
        """Let a process in by setns(2): it stands at the root, whatever its root was."""
        process.need(process.ns["user"], "SYS_CHROOT")
        old, process.ns["mnt"] = process.ns["mnt"], self
        process.root = process.cwd = self.root_place()
        old.left(process.kernel.processes())

    def left(self, processes: Iterable[Task]) -> None:
        """A process has left. With the last one all mounts go; no other namespace is told."""
        if not any(p.ns.get("mnt") is self for p in processes):
            for mount in list(self.root.walk()):
                mount.ns = None
                mount.set_propagation("private")


class Mounting(Files):
    """What a process does with mounts."""

    def _may_mount(self) -> None:
        self.need(self.ns["mnt"].user_ns, "SYS_ADMIN")

    def _mine(self, *mounts: Mount) -> None:
        if any(m.ns is not self.ns["mnt"] for m in mounts):
            raise fail(errno.EINVAL, "the mount is not in the caller's mount namespace")

    def mount(self, source: str | None, target: str, fstype: str = "", flags: str = "",
              data: str = "") -> None:
        """mount(2). `flags`: words of bind, rec, move, remount, ro and the propagation types."""
        words = set(flags.split())
        place = self._at(target)
        self._may_mount()
        if "remount" in words:
            self._remount(place, "ro" in words)
        elif "bind" in words:
            self._bind(source or "", place, "rec" in words)
        elif kinds := [k for k in PROPAGATION if k in words]:
            self._change_type(place, kinds[0], "rec" in words)
        elif "move" in words:
            self._move(source or "", place)
        else:
            self._new_mount(source or "none", place, fstype, "ro" in words, data)

    def _remount(self, place: Place, read_only: bool) -> None:
        self._mine(place.mount)
        if not place.mounted:
            raise fail(errno.EINVAL, "not the root of a mount")
        if place.mount.ro_locked and not read_only:
            raise fail(errno.EPERM, "read-only was set by a more privileged user namespace")
        place.mount.read_only = read_only

    def _bind(self, source: str, place: Place, recursive: bool) -> None:
        old = self._at(source)
        place = place.top()
        self._mine(place.mount)
        if old.mount.unbindable:
            raise fail(errno.EINVAL, "the mount is unbindable")
        self._mine(old.mount)
        inner = [m for m in old.mount.children.values() if m.at and m.at.inside(old.node)]
        if not recursive and any(m.locked for m in inner):
            raise fail(errno.EINVAL, "would show what locked mounts hide")
        if recursive and any(m.locked and m.unbindable for child in inner for m in child.walk()):
            raise fail(errno.EPERM, "an inner mount is unbindable and locked")
        new = copy_tree(old.mount, old.node) if recursive else old.mount.clone(old.node)
        try:
            self._graft(new, place)
        except OSError:
            for mount in new.walk():
                mount.set_propagation("private")
            raise

    def _graft(self, new: Mount, place: Place) -> None:
        if (place.node.kind == "dir") != (new.root.kind == "dir"):
            raise fail(errno.ENOTDIR, "a directory covers only a directory, a file only a file")
        graft(new, place.mount, place.node, self.ns["mnt"].user_ns)

    def _change_type(self, place: Place, kind: str, recursive: bool) -> None:
        if not place.mounted:
            raise fail(errno.EINVAL, "not the root of a mount")
        if place.mount.ns is None:
            raise fail(errno.EINVAL, "the mount is detached")
        self.need(place.mount.ns.user_ns, "SYS_ADMIN")
        for mount in place.mount.walk() if recursive else [place.mount]:
            mount.set_propagation(kind)

    def _move(self, source: str, place: Place) -> None:
        old = self._at(source)
        place = place.top()
        self._mine(old.mount, place.mount)
        if old.mount.parent is None or old.mount.locked:
            raise fail(errno.EINVAL, "the mount is locked, or the root of its namespace")
        if old.mount.parent.group:
            raise fail(errno.EINVAL, "a mount may not be moved out of a shared one")
        if not old.mounted or old.node.kind != place.node.kind:
            raise fail(errno.EINVAL, "not the root of a mount, or not of the same kind")
        if place.mount.group and any(m.unbindable for m in old.mount.walk()):
            raise fail(errno.EINVAL, "unbindable mounts may not enter a shared one")
        if place.mount in old.mount.walk():
            raise fail(errno.ELOOP, "a mount may not move into itself")
        graft(old.mount, place.mount, place.node, self.ns["mnt"].user_ns)

    def _new_mount(self, source: str, place: Place, fstype: str, read_only: bool,
                   data: str) -> None:
        user = self.ns["pid"].user_ns if fstype == "proc" else self.ns["user"]
        if fstype not in ("tmpfs", "proc", "overlay"):
            raise fail(errno.ENODEV, f"no file system {fstype}")
        self.need(user, "SYS_ADMIN")
        ro_locked = False
        if fstype == "proc":
            fs = self.kernel.proc_fs(self.ns["pid"])
            ro_locked = self._revealing(read_only)
        elif fstype == "overlay":
            layers = dict(word.split("=", 1) for word in data.split(",") if "=" in word)
            lowers = [self._directory(p).node for p in layers["lowerdir"].split(":")]
            tree = overlay(lowers, self._directory(layers["upperdir"]).node)
            fs = FileSystem(fstype, source, user, tree)
        else:
            fs = FileSystem(fstype, source, user, Node("", owner=self.kuid))
        place = place.top()
        self._mine(place.mount)
        if place.mount.fs is fs and place.mounted:
            raise fail(errno.EBUSY, "the same file system is there already")
        self._graft(Mount(fs, fs.root, read_only, ro_locked), place)

    def _revealing(self, read_only: bool) -> bool:
        """A new /proc may show no more than one that is visible already; is it locked ro?"""
        mnt = self.ns["mnt"]
        if mnt.user_ns is self.kernel.init.ns["user"] and not self.kernel.contained:
            return False
        for m in mnt.root.walk():
            whole = m.fs.fstype == "proc" and m.root is m.fs.root
            hidden = any(c.locked for c in m.children.values())
            if whole and not hidden and (read_only or not m.ro_locked):
                return m.ro_locked
        raise fail(errno.EPERM, "no fully visible /proc in this mount namespace")

    def umount(self, target: str, flags: str = "") -> None:
        """umount2(2); `flags`: lazy (MNT_DETACH) or none."""
        place = self._at(target).top()
        self._may_mount()
        mount = place.mount
        if not place.mounted:
            raise fail(errno.EINVAL, "not the root of a mount")
        self._mine(mount)
        if mount.locked or mount.parent is None:
            raise fail(errno.EINVAL, "a more privileged user namespace mounted it: locked")
        places = (q for p in self.kernel.processes() for q in (p.root, p.cwd, *p.handles))
        if flags != "lazy" and busy(mount, {q.mount for q in places}):
            raise fail(errno.EBUSY, "a process stands on it, or something is mounted below")
        unmount(mount, flags == "lazy")

    def pivot_root(self, new_root: str, put_old: str) -> None:
        """pivot_root(2): swap the namespace's root mount; the old one hangs at `put_old`."""
        self._may_mount()
        new, old, root = self._directory(new_root), self._directory(put_old).top(), self.root
        above, beside = root.mount.parent, new.mount.parent
        if old.mount.group or (beside and beside.group) or (above and above.group):
            raise fail(errno.EINVAL, "put_old, or what the roots hang on, is shared")
        self._mine(root.mount, new.mount)
        if new.mount.locked:
            raise fail(errno.EINVAL, "the new root is locked")
        if root.mount in (new.mount, old.mount):
            raise fail(errno.EBUSY, "new_root and put_old must not be on the present root")
        if not root.mounted or not new.mounted or above is None or beside is None:
            raise fail(errno.EINVAL, "both roots must be roots of mounts, with a parent")
        if old.reached_from(new) is None or new.reached_from(root) is None:
            raise fail(errno.EINVAL, "put_old must be below new_root, and that below the root")
        assert root.mount.at is not None
        at = root.mount.at
        new.mount.detach()
        new.mount.locked, root.mount.locked = root.mount.locked or new.mount.locked, False
        root.mount.detach()
        new.mount.attach(above, at)
        root.mount.attach(old.mount, old.node)
        for p in self.kernel.processes():
            p.root = new if p.root == root else p.root
            p.cwd = new if p.cwd == root else p.cwd

    def mountinfo(self) -> tuple[tuple[Any, ...], ...]:
        """Return /proc/self/mountinfo: (id, parent id, path, fstype, source, root in the file
        system, read-only, peer group, master group, unbindable) of all that can be reached."""
        rows = []
        for m in self.root.mount.walk():
            path = Place(m, m.root).reached_from(self.root)
            if path is not None and m.parent:
                rows.append((m.number, m.parent.number, path, m.fs.fstype, m.fs.source,
                             m.root.path, m.read_only, m.group.number if m.group else 0,
                             m.master.number if m.master else 0, m.unbindable))
        return tuple(rows)
