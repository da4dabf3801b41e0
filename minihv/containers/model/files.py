"""System calls on files and directories."""

from __future__ import annotations

import errno

from minihv.containers.model.mounts import Place, lookup
from minihv.containers.model.refusal import fail
from minihv.containers.model.task import Task
from minihv.containers.model.tree import copy_up


class Files(Task):
    """What a process does with paths."""

    def _at(self, path: str) -> Place:
        return lookup(path, self.cwd, self.root)

    def _directory(self, path: str) -> Place:
        place = self._at(path)
        if place.node.kind != "dir":
            raise fail(errno.ENOTDIR, f"{path} is not a directory")
        return place

    # ---- files ------------------------------------------------------------------------------

    def _create(self, path: str, kind: str, data: str = "") -> None:
        head, _, name = path.rpartition("/")
        place = self._directory(head or ("/" if path.startswith("/") else "."))
        if not name or name in place.node.children:
            raise fail(errno.EEXIST, f"{path} exists")
        if place.mount.fs.fstype == "proc":
            raise fail(errno.ENOENT, "nothing can be made in a /proc")
        self._writable(place)
        if place.mount.fs.user_ns.from_kernel(self.kuid) is None:
            raise fail(errno.EOVERFLOW, "the file system cannot store this uid")
        if not self.owns(place.node.owner):
            raise fail(errno.EACCES, f"{head or '/'} belongs to another user")
        host = self.kernel.init.ns["user"]
        if kind == "dev" and (self.kernel.contained or not self.capable(host, "MKNOD")):
            raise fail(errno.EPERM, "device nodes need CAP_MKNOD in the initial user namespace")
        place.node.add(name, kind, self.kuid, data)

    def _writable(self, place: Place) -> None:
        if place.mount.read_only:
            raise fail(errno.EROFS, "the mount is read-only")

    def mkdir(self, path: str) -> None:
        """mkdir(2), mode 0755."""
        self._create(path, "dir")

    def mknod(self, path: str, device: str = "null") -> None:
        """mknod(2) of one of the harmless devices."""
        self._create(path, "dev", device)

    def _may_write(self, place: Place) -> None:
        if place.node.kind == "dir":
            raise fail(errno.EISDIR, f"{place.node.path} is a directory")
        if place.node.kind != "dev":
            self._writable(place)
            if not self.owns(place.node.owner):
                raise fail(errno.EACCES, f"{place.node.path} belongs to another user")

    def open_for_writing(self, path: str) -> None:
        """Open and close at once; nothing is written."""
        self._may_write(self._at(path))

    def write(self, path: str, text: str) -> None:
        """Replace a file's contents; made with mode 0644 if it is not there."""
        try:
            place = self._at(path)
        except FileNotFoundError:
            return self._create(path, "file", text)
        self._may_write(place)
        if place.node.kind == "file":
            place.node.data = text
            if place.node.upper:
                copy_up(place.node).data = text

    def read(self, path: str) -> str:
        """Return the contents of a file (a device is empty)."""
        place = self._at(path)
        if place.node.kind == "dir":
            raise fail(errno.EISDIR, f"{path} is a directory")
        return place.node.data

    def listdir(self, path: str) -> list[str]:
        """Return the sorted names; in a /proc only the numbers of its pid namespace."""
        place = self._directory(path)
        if pid_ns := self.kernel.proc.get(place.node):
            return [str(n) for n in sorted(pid_ns.processes)]
        return sorted(place.node.children)

    def chdir(self, path: str) -> None:
        """chdir(2)."""
        self.cwd = self._directory(path)

    def opendir(self, path: str) -> int:
        """Open a directory; return a handle, which children inherit."""
        self.handles.append(self._directory(path))
        return len(self.handles) - 1

    def fchdir(self, handle: int) -> None:
        """fchdir(2): no path is looked up, so no root stops it."""
        if handle >= len(self.handles):
            raise fail(errno.EBADF, "no such open directory")
        self.cwd = self.handles[handle]

    def close_handles(self) -> None:
        """Close every open directory."""
        self.handles.clear()

    def chroot(self, path: str) -> None:
        """chroot(2): changes where `/` is, not where the process stands."""
        place = self._directory(path)
        self.need(self.ns["user"], "SYS_CHROOT")
        self.root = place
