"""How a container is made: a list of system calls, the same on the model and on the real kernel.

`sys` is anything with the system calls of model.Process: a model process, a real one behind
linux.Process, or (in the container's own first process) Agent itself. Each defence can be left out
by name, so that an experiment can show what it is for.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import Any

from minihv.containers.words import DEVICES, KINDS

DEFENCES = ("pivot_root", "private", "masks", "user", "caps", "seccomp", "no_new_privs", "pids",
            "memory", "pid_ns")
MASKED = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug",
          "/proc/latency_stats", "/proc/sysrq-trigger")
READ_ONLY = ("/proc/sys", "/proc/bus", "/proc/fs", "/proc/irq")
KEPT_CAPS = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
             "NET_BIND_SERVICE", "SYS_CHROOT", "SETFCAP")


def namespaces(without: tuple[str, ...] = (), net: str = "none", user: bool = True) -> list[str]:
    """Return the kinds of namespaces that a container gets."""
    gone = {"pid"} if "pid_ns" in without else set()
    gone |= {"user"} if "user" in without or not user else set()
    gone |= {"net"} if net == "host" else set()
    return [kind for kind in KINDS if kind not in gone]


def mount_root(sys: Any, root: str, lowers: list[str], upper: str, work: str,
               options: str = "") -> None:
    """Lay the image's layers under a writable one."""
    layers = f"lowerdir={':'.join(lowers)},upperdir={upper},workdir={work}"
    sys.mount("overlay", root, "overlay", "", layers + options)


def fill_dev(sys: Any, root: str) -> None:
    """A /dev with the harmless devices only; bound from the host where mknod is refused."""
    ensure(sys, f"{root}/dev")
    sys.mount("dev", f"{root}/dev", "tmpfs", "nosuid noexec", "mode=755,size=64k")
    for name in DEVICES:
        path = f"{root}/dev/{name}"
        try:
            sys.mknod(path, name)
        except PermissionError:
            with contextlib.suppress(FileNotFoundError):
                sys.write(path, "")
                sys.mount(f"/dev/{name}", path, "", "bind")
    sys.mkdir(f"{root}/dev/shm")


def mount_proc(sys: Any, root: str, masks: bool = True) -> None:
    """A fresh /proc of the new pid namespace; settings read-only, secrets covered by null."""
    ensure(sys, f"{root}/proc")
    sys.mount("proc", f"{root}/proc", "proc", "nosuid nodev noexec")
    for path in READ_ONLY if masks else ():
        with skip_missing():
            sys.mount(root + path, root + path, "", "bind rec")
            sys.mount(None, root + path, "", "remount bind ro nosuid nodev noexec")
    for path in MASKED if masks else ():
        with skip_missing():
            sys.mount(f"{root}/dev/null", root + path, "", "bind")


def enter_root(sys: Any, root: str, pivot: bool = True) -> None:
    """Make `root` the root. After pivot_root the old one is unmounted: nothing is left to reach;
    after a mere chroot it is still there, one `..` too far."""
    if pivot:
        sys.chdir(root)
        sys.pivot_root(".", ".")
        sys.umount(".", "lazy")
    else:
        sys.chroot(root)
    sys.chdir("/")


def prepare(sys: Any, scratch: str, without: tuple[str, ...] | list[str] = ()) -> None:
    """What is the same for every image, so that it can be done before one is asked for: cut the
    ties with the host's mounts; in a tmpfs, which goes with the namespace, make /dev and /proc."""
    if "private" not in without:
        sys.mount(None, "/", "", "rec private")
    sys.mount("scratch", scratch, "tmpfs", "", "mode=755,size=256m")
    for name in ("upper", "work", "root"):
        sys.mkdir(f"{scratch}/{name}")
    fill_dev(sys, scratch)
    mount_proc(sys, scratch, "masks" not in without)


def build(sys: Any, spec: dict[str, Any]) -> None:
    """The rest, after `prepare`, by the first process in the new namespaces. Without an upper
    directory of its own, what the container writes stays in the scratch tmpfs."""
    scratch, without = spec["scratch"], spec["without"]
    upper, work, root = (spec.get(k, f"{scratch}/{k}") for k in ("upper", "work", "root"))
    mount_root(sys, root, spec["lowers"], upper, work, spec.get("options", ""))
    for source, target in spec.get("binds", ()):
        ensure(sys, root + target)
        sys.mount(source, root + target, "", "bind rec")
    for source, target in spec.get("trees", ()):  # of the host's, for reading only
        sys.attach(source, root + target)
    for name in ("dev", "proc"):
        ensure(sys, f"{root}/{name}")
        sys.mount(f"{scratch}/{name}", f"{root}/{name}", "", "move")
    enter_root(sys, root, "pivot_root" not in without)
    sys.sethostname(spec["hostname"])


def ensure(sys: Any, path: str) -> None:
    """mkdir unless it is there."""
    with contextlib.suppress(FileExistsError):
        sys.mkdir(path)


@contextlib.contextmanager
def skip_missing() -> Iterator[None]:
    """Go on if a path is not there on this host."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise
