"""Linux system calls that Python lacks (some came with 3.12), through ctypes.

Names of namespaces and of mount flags are the words that the model uses too. Every function raises
OSError with the kernel's errno. Imported by the helper process, so: standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct

from minihv.containers.words import CAPS, KINDS

MS = {"ro": 1, "nosuid": 2, "nodev": 4, "noexec": 8, "remount": 32, "bind": 4096, "move": 8192,
      "rec": 16384, "unbindable": 1 << 17, "private": 1 << 18, "slave": 1 << 19,
      "shared": 1 << 20}
CLONE_PIDFD = 0x1000
SYS_CLONE3, SYS_OPEN_TREE, SYS_MOVE_MOUNT, SYS_MOUNT_SETATTR = 435, 428, 429, 442
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_IDMAP = 1, 2, 4, 0x100000
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41}
PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE = 1, 3, 4
PR_SET_SECCOMP, PR_CAPBSET_DROP = 22, 24
PR_SET_NAME = 15
PR_SET_NO_NEW_PRIVS = 38

# PyDLL keeps the interpreter's lock: a clone must not leave it with a thread that is not there.
libc = ctypes.PyDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
python = ctypes.pythonapi


def check(result: int) -> int:
    """Return the result; OSError if it is negative."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def flags_of(kinds: tuple[str, ...] | list[str]) -> int:
    """Return the CLONE_NEW* bits of namespace names."""
    return sum(KINDS[k] for k in kinds)


def clone(kinds: tuple[str, ...] | list[str] = ()) -> tuple[int, int]:
    """fork into new namespaces; return (pid, pidfd) in the parent, (0, -1) in the child."""
    pidfd = ctypes.c_int(-1)
    where = ctypes.addressof(pidfd)
    args = struct.pack("11Q", flags_of(kinds) | CLONE_PIDFD, where, 0, 0, signal.SIGCHLD, *[0] * 6)
    python.PyOS_BeforeFork()
    pid = libc.syscall(SYS_CLONE3, args, len(args))
    code = ctypes.get_errno()
    if pid == 0:
        python.PyOS_AfterFork_Child()
        return 0, -1
    python.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(code, os.strerror(code))
    return pid, pidfd.value


def unshare(kinds: tuple[str, ...] | list[str]) -> None:
    """unshare(2)."""
    check(libc.unshare(flags_of(kinds)))


def setns(pidfd: int, kinds: tuple[str, ...] | list[str]) -> None:
    """setns(2) into namespaces of the process that a pidfd refers to (Linux 5.8)."""
    check(libc.setns(pidfd, flags_of(kinds)))


def mount(source: str | None, target: str, fstype: str = "", flags: str = "",
          data: str = "") -> None:
    """mount(2); `flags` are words of MS."""
    bits = ctypes.c_ulong(sum(MS[word] for word in flags.split()))
    check(libc.mount(source.encode() if source is not None else None, target.encode(),
                     fstype.encode() or None, bits, data.encode() or None))


def umount(target: str, flags: str = "") -> None:
    """umount2(2); flags: lazy or none."""
    check(libc.umount2(target.encode(), 2 if flags == "lazy" else 0))


def pivot_root(new_root: str, put_old: str) -> None:
    """pivot_root(2)."""
    number = SYS_PIVOT_ROOT[os.uname().machine]
    check(libc.syscall(number, new_root.encode(), put_old.encode()))


def open_tree(path: str, below: bool = False) -> int:
    """Return a descriptor on a detached copy of the mount at `path`, which keeps nothing busy; of
    those `below` it too."""
    flags = 1 | os.O_CLOEXEC | below * AT_RECURSIVE
    return check(libc.syscall(SYS_OPEN_TREE, AT_FDCWD, path.encode(), flags))


def mount_setattr(tree: int, attributes: int, userns: int = 0, below: bool = False) -> None:
    """Set MOUNT_ATTR_* of a detached mount; the ids of `userns` for MOUNT_ATTR_IDMAP."""
    args = struct.pack("4Q", attributes, 0, 0, userns)
    flags = AT_EMPTY_PATH | below * AT_RECURSIVE
    check(libc.syscall(SYS_MOUNT_SETATTR, tree, b"", flags, args, len(args)))


def move_mount(tree: int, target: str) -> None:
    """Attach a detached mount at `target` (move_mount(2), Linux 5.2)."""
    check(libc.syscall(SYS_MOVE_MOUNT, tree, b"", AT_FDCWD, target.encode(), 4))


def read_only_tree(path: str) -> int:
    """Return a descriptor on a copy of what is mounted at `path` and below, for reading only, with
    no set-uid programs and no devices."""
    tree = open_tree(path, below=True)
    try:
        mount_setattr(tree, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, below=True)
    except OSError:
        os.close(tree)
        raise
    return tree


def prctl(option: int, arg: int = 0, extra: int = 0) -> None:
    """prctl(2)."""
    check(libc.prctl(option, ctypes.c_ulong(arg), ctypes.c_ulong(extra), 0, 0))


def dumpable() -> int:
    """Return what PR_SET_DUMPABLE has set."""
    return check(libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))


def seccomp(program: bytes) -> None:
    """Install a filter (an array of struct sock_filter) for good; needs no_new_privs."""
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("H6xQ", len(program) // 8, ctypes.addressof(buffer))
    where = ctypes.create_string_buffer(header, len(header))
    prctl(PR_SET_SECCOMP, 2, ctypes.addressof(where))


def capabilities() -> tuple[int, int]:
    """Return the effective and permitted sets of this process, as bits."""
    data = ctypes.create_string_buffer(24)
    check(libc.capget(struct.pack("Ii", 0x20080522, 0), data))
    low_e, low_p, _, high_e, high_p, _ = struct.unpack("6I", data.raw)
    return low_e | high_e << 32, low_p | high_p << 32


def set_capabilities(effective: int, permitted: int) -> None:
    """capset(2), with an empty inheritable set."""
    low = (effective & 0xFFFFFFFF, permitted & 0xFFFFFFFF, 0)
    high = (effective >> 32, permitted >> 32, 0)
    check(libc.capset(struct.pack("Ii", 0x20080522, 0), struct.pack("6I", *low, *high)))


def bits_of(caps: tuple[str, ...] | list[str]) -> int:
    """Return capability names as bits."""
    return sum(1 << CAPS.index(c) for c in caps)


def ptrace_seize(pid: int) -> int:
    """ptrace(2) PTRACE_SEIZE, which does not stop the process: 0 or errno."""
    return ctypes.get_errno() if libc.ptrace(0x4206, pid, None, None) < 0 else 0


def msgget(key: int, create: bool) -> int:
    """msgget(2), exclusive when it creates."""
    return check(libc.msgget(key, 0o600 | 0o3000 if create else 0))
