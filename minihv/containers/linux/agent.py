"""A real process that makes system calls on request: the other half of linux.kernel.Process.

The first one is the init of a throw-away world (worlds.py); its clones are further processes of
that world. Each serves a socket of its own. When that closes its process ends, and with the init
all do.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from minihv.containers import words
from minihv.containers.linux import syscalls as sc
from minihv.containers.linux.wire import pair, serve

SIOCBRADDBR = 0x89A0


class Agent:
    """The system calls of model.Process, made for real by this very process."""

    def __init__(self, proc: int):
        self.proc = proc  # the outer /proc, as a detached mount that no namespace shows
        self.sock: socket.socket | None = None
        self.handles: list[int] = []
        self.sockets: list[socket.socket] = []
        self.fds: list[int] = []
        self.ballast: list[bytearray] = []

    kill, chdir, chroot = staticmethod(os.kill), staticmethod(os.chdir), staticmethod(os.chroot)
    mount, umount = staticmethod(sc.mount), staticmethod(sc.umount)
    pivot_root, msgget = staticmethod(sc.pivot_root), staticmethod(sc.msgget)
    sethostname = staticmethod(socket.sethostname)

    # ---- namespaces -----------------------------------------------------------------------

    def clone(self, *kinds: str) -> tuple[int, list[int]]:
        """Make a child that serves a socket of its own; return its outer pid, [pidfd, socket]."""
        def live(sock: socket.socket) -> None:
            if self.sock:
                self.sock.close()  # the parent's: its end must be seen when the parent dies
            serve(sock, self)

        _, pidfd, ours = spawn(kinds, live)
        return pid_behind(self._slurp(f"self/fdinfo/{pidfd}")), [pidfd, ours.detach()]

    def unshare(self, *kinds: str) -> None:
        """unshare(2); then dumpable again, as after an exec, so that its peers may look at it."""
        sc.unshare(kinds)
        sc.prctl(sc.PR_SET_DUMPABLE, 1)

    def setns(self, kind: str) -> None:
        """setns(2) with the pidfd that came along."""
        sc.setns(self.fds[0], [kind])
        sc.prctl(sc.PR_SET_DUMPABLE, 1)

    # ---- users ----------------------------------------------------------------------------

    def map_ids(self, pid: int, *extents: list[int]) -> None:
        """Write the uid map of outer pid `pid`, then one of the only group in use, 0."""
        lines = "\n".join(" ".join(map(str, e)) for e in extents)
        self._put(f"{pid}/uid_map", lines)
        self._put(f"{pid}/setgroups", "deny")
        self._put(f"{pid}/gid_map", "0 0 1")

    def setuid(self, uid: int) -> None:
        """setuid(2)."""
        os.setuid(uid)
        sc.prctl(sc.PR_SET_DUMPABLE, 1)

    def drop(self, *caps: str) -> None:
        """capset(2) without these (SETUID takes SETGID along)."""
        names = [*caps, *(["SETGID"] if "SETUID" in caps else [])]
        effective, permitted = sc.capabilities()
        sc.set_capabilities(effective & ~sc.bits_of(names), permitted & ~sc.bits_of(names))

    # ---- life and death -------------------------------------------------------------------

    def exit(self, code: int = 0) -> None:
        """_exit(2): no reply."""
        os._exit(code)

    def wait(self) -> tuple[int, int] | None:
        """waitpid(-1, WNOHANG)."""
        pid, status = os.waitpid(-1, os.WNOHANG)
        return (pid, status) if pid else None

    def trace(self, pid: int) -> None:
        """PTRACE_SEIZE by a child that ends at once, which lets go again; nothing is stopped."""
        child = os.fork()
        if child == 0:
            os._exit(sc.ptrace_seize(pid))
        if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            raise OSError(code, os.strerror(code))

    def uid_of(self, pid: int) -> int:
        """Return the owner of an outer pid, as the world's init calls it."""
        return os.stat(str(pid), dir_fd=self.proc).st_uid

    def burn(self, end: float) -> float:
        """Keep CPU 0 busy until the monotonic clock says `end`; return the CPU seconds it gave."""
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        start = time.process_time()
        while time.monotonic() < end:
            pass
        return time.process_time() - start

    # ---- the rest ---------------------------------------------------------------------------

    def link_add(self, name: str) -> None:
        """A bridge, by the old ioctl."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, SIOCBRADDBR, struct.pack("16s", name.encode()))

    def bind(self, port: int) -> None:
        """A TCP socket on all addresses."""
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            s.bind(("0.0.0.0", port))
        except OSError:
            s.close()
            raise
        self.sockets.append(s)

    def allocate(self, size: int) -> None:
        """Touch `size` more bytes."""
        self.ballast.append(bytearray(b"x") * size)

    # ---- files ------------------------------------------------------------------------------

    def mkdir(self, path: str) -> None:
        """mkdir(2), mode 0755."""
        os.mkdir(path, 0o755)

    def mknod(self, path: str, device: str = "null") -> None:
        """A device node, but only of the harmless ones."""
        os.mknod(path, 0o20666, os.makedev(*words.DEVICES[device]))
        os.chmod(path, 0o666)

    def open_for_writing(self, path: str) -> None:
        """Open and close at once; nothing is written."""
        os.close(os.open(path, os.O_WRONLY))

    def write(self, path: str, text: str) -> None:
        """Replace a file's contents."""
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.write(fd, text.encode())
        os.close(fd)

    def read(self, path: str) -> str:
        """Return the first 64 KiB of a file."""
        fd = os.open(path, os.O_RDONLY)
        try:
            return os.read(fd, 65536).decode(errors="replace")
        finally:
            os.close(fd)

    def listdir(self, path: str) -> list[str]:
        """Return the sorted names; of a /proc only its numbers, as in the model."""
        names = os.listdir(path)
        if "self" in names and "1" in names:
            names = sorted((n for n in names if n.isdigit()), key=int)
            return names
        return sorted(names)

    def opendir(self, path: str) -> int:
        """Open a directory; children inherit the descriptor. Return its index as a handle."""
        self.handles.append(os.open(path, os.O_RDONLY | os.O_DIRECTORY))
        return len(self.handles) - 1

    def close_handles(self) -> None:
        """Close every open directory."""
        for fd in self.handles:
            os.close(fd)
        self.handles = []

    def fchdir(self, handle: int) -> None:
        """fchdir(2)."""
        if handle >= len(self.handles):
            raise OSError(errno.EBADF, "no such open directory")
        os.fchdir(self.handles[handle])

    # ---- what it sees -----------------------------------------------------------------------

    def _open(self, name: str, flags: int) -> int:
        return os.open(name, flags | os.O_CLOEXEC, dir_fd=self.proc)

    def _slurp(self, name: str) -> str:
        with open(self._open(name, os.O_RDONLY)) as f:
            return f.read()

    def _put(self, name: str, text: str) -> None:
        fd = self._open(name, os.O_WRONLY)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)

    def view(self) -> dict[str, Any]:
        """Return all but `processes`, which kernel.py adds."""
        status = dict(line.split(":", 1) for line in self._slurp("self/status").splitlines())
        caps = int(status["CapEff"], 16)
        queues = [line.split()[0] for line in self._slurp("sysvipc/msg").splitlines()[1:]]
        return {
            "pid": os.getpid(), "ppid": os.getppid(), "uid": os.getuid(),
            "pids": [int(n) for n in status["NSpid"].split()],
            "caps": sorted(n for i, n in enumerate(words.CAPS) if caps >> i & 1),
            "uid_map": sorted([int(n) for n in line.split()]
                              for line in self._slurp("self/uid_map").splitlines()),
            "hostname": socket.gethostname(), "queues": sorted(map(int, queues)),
            "links": sorted(name for _, name in socket.if_nameindex()),
            "mounts": [mount_row(line) for line in self._slurp("self/mountinfo").splitlines()],
            "ns": {name: self._ns(name) for name in [*words.KINDS, "pid_for_children",
                                                     "time_for_children"]},
        }

    def _ns(self, name: str) -> str:
        try:
            return os.readlink(f"self/ns/{name}", dir_fd=self.proc)
        except FileNotFoundError:  # a pid namespace without an init yet
            return ""

    def tasks(self) -> dict[str, list[Any]]:
        """Return [state, [pid in each namespace]] of every process of the world, by outer pid."""
        found = {}
        fd = self._open(".", os.O_RDONLY)
        names = os.listdir(fd)
        os.close(fd)
        for name in names:
            if name.isdigit():
                text = self._slurp(f"{name}/status")
                status = dict(line.split(":", 1) for line in text.splitlines())
                pids = [int(n) for n in status["NSpid"].split()]
                found[name] = [status["State"].split()[0], pids]
        return found


def mount_row(line: str) -> list[Any]:
    """Return a line of mountinfo (proc_pid_mountinfo(5)) as model.Process.mountinfo gives it."""
    left, _, right = line.partition(" - ")
    number, parent, _, root, path, options, *tags = left.split()
    fstype, source, *_ = right.split()
    tag = {name: value or "1" for name, _, value in (t.partition(":") for t in tags)}
    return [int(number), int(parent), path, fstype, source, root, "ro" in options.split(","),
            int(tag.get("shared", 0)), int(tag.get("master", 0)), "unbindable" in tag]


def spawn(kinds: tuple[str, ...] | list[str],
          live: Callable[[socket.socket], object]) -> tuple[int, int, socket.socket]:
    """Start a process in new namespaces; return its pid, a pidfd, our end of a connection. It calls
    `live` with its own end, and ends with that."""
    ours, theirs = pair()
    try:
        pid, pidfd = sc.clone(kinds)
    except OSError:
        ours.close()
        theirs.close()
        raise
    if pid == 0:
        try:
            ours.close()
            live(theirs)
        finally:
            os._exit(0)
    theirs.close()
    return pid, pidfd, ours


def pid_behind(fdinfo: str) -> int:
    """Return the pid in the text of a pidfd's /proc/PID/fdinfo/FD."""
    return next(int(line.split()[1]) for line in fdinfo.splitlines() if line.startswith("Pid:"))
