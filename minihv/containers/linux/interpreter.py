"""This interpreter as a file that nobody can write, for the processes that enter containers.

Whoever is in a container can open what its processes execute, by /proc/PID/exe, and later open it
again for writing (CVE-2019-5736). So what enters is executed from a mount of its own, read-only and
attached nowhere (mount_setattr(2), Linux 5.12); else from a sealed copy (memfd_create(2)).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from minihv.containers.linux import syscalls as sc
from minihv.containers.linux import wire

if TYPE_CHECKING:
    import subprocess

# The packages' __init__ files are passed over: so a helper starts in 15 ms, and stays small.
BOOT = """
import os, sys, types
os.close(int(sys.argv[3]))
for name in ('minihv', 'minihv.containers', 'minihv.containers.linux',
             'minihv.containers.linux.runtime'):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [sys.argv[2] + name[6:].replace('.', '/')]
from minihv.containers.linux.{module} import main
main()
"""


def read_only() -> int:
    """Return a descriptor to execute this interpreter from; OSError if there is no way."""
    for way in (bind, bind_as_a_user):
        with contextlib.suppress(OSError):
            return way()
    return sealed_copy()


def bind(path: str = "/proc/self/exe") -> int:
    """A read-only mount of the file alone; needs CAP_SYS_ADMIN."""
    fd = sc.open_tree(path)
    try:
        sc.mount_setattr(fd, sc.MOUNT_ATTR_RDONLY)
    except OSError:
        os.close(fd)
        raise
    return fd


def bind_as_a_user() -> int:
    """The same by a child in namespaces of its own, where everybody may."""
    ours, theirs = wire.pair()
    with ours:
        # A copy of a process with threads may wait for ever for a lock that one of these held.
        start = fork if len(os.listdir("/proc/self/task")) == 1 else spawn
        end = start(theirs)
        theirs.close()
        fds = socket.recv_fds(ours, 1, 1)[1]
        end()
    if not fds:
        raise PermissionError("no read-only mount of the interpreter")
    return fds[0]


def fork(sock: socket.socket) -> Callable[[], object]:
    """Let a copy of this process send the mount; return what waits for its end."""
    pid, pidfd = sc.clone(("user", "mnt"))
    if pid == 0:
        try:
            send_mount(sock)
        finally:
            os._exit(0)
    os.close(pidfd)
    return lambda: os.waitpid(pid, 0)


def spawn(sock: socket.socket) -> Callable[[], object]:
    """The same by a fresh process."""
    import subprocess

    null = os.open(os.devnull, os.O_RDONLY)
    process = subprocess.Popen(command("interpreter", sock.fileno(), null),
                               pass_fds=[sock.fileno(), null], stdin=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    os.close(null)
    return process.wait


def send_mount(sock: socket.socket) -> None:
    """Send a mount of what this process executes, which is in this mount namespace."""
    path = os.readlink("/proc/self/exe")  # the link itself leads to a mount that is not ours
    socket.send_fds(sock, [b"x"], [bind(path)])


def main() -> None:
    """As a fresh process: into namespaces of its own."""
    sc.unshare(("user", "mnt"))
    send_mount(socket.socket(fileno=int(sys.argv[1])))


def sealed_copy() -> int:
    """A copy in memory that not even its owner can change."""
    import fcntl  # which is not there on Windows

    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fd = os.memfd_create("python", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open("/proc/self/exe", "rb") as source, open(fd, "wb", closefd=False) as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def become(module: str, message: str) -> NoReturn:
    """Replace this process by such an interpreter that runs the `main` of a module here, with a
    descriptor on `message`."""
    fd, note = read_only(), wire.note(message.encode())
    for each in (fd, note):
        os.set_inheritable(each, True)
    os.execve(fd, command(module, note, fd), environment())


def environment() -> dict[str, str]:
    """Ours, and where a shared libpython is, for $ORIGIN says nothing in such a mount."""
    places = [os.environ.get("LD_LIBRARY_PATH", ""), f"{sys.base_prefix}/lib"]
    return os.environ | {"LD_LIBRARY_PATH": ":".join(filter(None, places))}


def start_helper(module: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a helper that runs the `main` of a module here; return it and the socket it serves."""
    import subprocess

    ours, theirs = wire.pair()
    ours.settimeout(wire.PATIENCE)
    python = read_only()
    process = subprocess.Popen(command(module, theirs.fileno(), python),
                               executable=f"/proc/self/fd/{python}", env=environment(),
                               pass_fds=[theirs.fileno(), python], stdin=subprocess.DEVNULL)
    theirs.close()
    os.close(python)
    return process, ours


def command(module: str, fd: int, python: int) -> list[str]:
    """Return the arguments of an interpreter that runs the `main` of a module here; `python` is
    what it is executed from, and closed first of all."""
    package = str(Path(__file__).parents[2])
    boot = BOOT.format(module=module)
    return [sys.executable, "-I", "-S", "-c", boot, str(fd), package, str(python)]
