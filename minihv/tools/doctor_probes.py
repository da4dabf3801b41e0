"""What a host allows, found out by doing it: `python doctor_probes.py NAME [KIND]`.

Run as a program of its own, so that `doctor` can give it up after a while and stays itself
untouched: a probe enters namespaces, mounts and makes groups, and all of that ends with it. Prints
one line (what worked, or why not); exits 0 if it worked, else 1. Standard library only.
"""

import ctypes
import errno
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

# clone(2): the flag of each kind of namespace.
NAMESPACES = {"user": 0x10000000, "mnt": 0x00020000, "pid": 0x20000000, "net": 0x40000000,
              "uts": 0x04000000, "ipc": 0x08000000, "cgroup": 0x02000000, "time": 0x00000080}
MS_REC_PRIVATE = 0x4000 | 0x40000       # mount(2)
KVM_GET_API_VERSION = 0xAE00            # linux/kvm.h: _IO(KVMIO, 0x00)
KVM_CREATE_VM = 0xAE01


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library; raise OSError with its errno."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is None:
        raise OSError(errno.ENOSYS, f"this system has no {name}()")
    if function(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _enter(kind: str) -> str:
    """Enter a new namespace, plainly or, if that needs rights, inside a user namespace."""
    try:
        _call("unshare", NAMESPACES[kind])
        return "as this user"
    except PermissionError:
        user, group = os.getuid(), os.getgid()
        _call("unshare", NAMESPACES["user"] | NAMESPACES[kind])
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
        return "inside a user namespace"


def _mount(source: str, target: Path, kind: str, flags: int = 0, options: str = "") -> None:
    _call("mount", source.encode(), str(target).encode(), kind.encode(), flags, options.encode())


def namespace(kind: str) -> str:
    """Enter a namespace of one kind; say how."""
    return _enter(kind)


def overlay() -> str:
    """Mount an overlay and write to it: the upper layer has the change, the lower has not."""
    how = _enter("mnt")
    _mount("none", Path("/"), "", MS_REC_PRIVATE)
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        _mount("tmpfs", top, "tmpfs")       # the temporary folder may itself lie on an overlay
        try:
            return _write_through_overlay(top, "userxattr" if "user namespace" in how else "", how)
        finally:
            _call("umount2", name.encode(), 2)      # MNT_DETACH


def _write_through_overlay(top: Path, option: str, how: str) -> str:
    layers = {layer: top / layer for layer in ("lower", "upper", "work", "merged")}
    for path in layers.values():
        path.mkdir()
    (layers["lower"] / "file").write_text("old")
    options = ",".join(f"{layer}dir={layers[layer]}" for layer in ("lower", "upper", "work"))
    _mount("overlay", layers["merged"], "overlay", 0, options + ("," + option if option else ""))
    (layers["merged"] / "file").write_text("new")
    if (layers["lower"] / "file").read_text() != "old":
        raise OSError("the lower layer changed")
    if (layers["upper"] / "file").read_text() != "new":
        raise OSError("the upper layer did not change")
    return f"mounted and written to, {how}"


def _own_groups() -> dict[str, Path]:
    """Return this process's group in each hierarchy: "v2", or the name of a v1 controller."""
    mounts: dict[str, tuple[str, Path]] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ")
        kind, _, options = after.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            root, point = before.split()[3:5]
            for name in ["v2"] if kind == "cgroup2" else options.split(","):
                mounts.setdefault(name, (root, Path(point)))
    groups = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, own = line.split(":", 2)
        for name in names.split(",") if names else ["v2"]:
            if name in mounts:
                top, folder = mounts[name]
                groups[name] = folder / os.path.relpath(own, top)
    return groups


def _limit_a_child(parent: Path) -> str:
    """Make a child group, limit its processes to 64, read that back; remove it."""
    child = parent / f"minihv-doctor-{os.getpid()}"
    child.mkdir()
    try:
        limit = child / "pids.max"
        if not limit.exists():
            return "groups can be made, but without a limit on pids"
        limit.write_text("64")
        if limit.read_text().strip() != "64":
            raise OSError("pids.max did not keep its value")
        return "limits can be set"
    finally:
        child.rmdir()


def cgroup() -> str:
    """Set a limit in a group of its own, in the v2 tree or else in v1's pids hierarchy."""
    groups = _own_groups()
    found = []
    for version, name in (("v2", "v2"), ("v1", "pids")):
        if name in groups:
            try:
                found.append(f"{version}: {_limit_a_child(groups[name])}")
            except OSError as error:
                found.append(f"{version}: {error.strerror or error}")
    if not any("can be set" in one for one in found):
        raise OSError("; ".join(found) or "no cgroup hierarchy is mounted")
    return "; ".join(found)


def kvm() -> str:
    """Ask /dev/kvm for its version (12 on every current kernel) and make an empty VM."""
    import fcntl
    device = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    version = fcntl.ioctl(device, KVM_GET_API_VERSION, 0)
    if version != 12:
        raise OSError(f"API version {version}, not 12")
    os.close(fcntl.ioctl(device, KVM_CREATE_VM, 0))
    return f"API version {version}, a VM was made"


PROBES: dict[str, Callable[..., str]] = {
    "namespace": namespace, "overlay": overlay, "cgroup": cgroup, "kvm": kvm}


def main(arguments: list[str]) -> int:
    """Run one probe; return 0 if it worked."""
    name, *rest = arguments
    if sys.platform != "linux":
        print(f"{sys.platform} is not Linux")
        return 1
    try:
        print(PROBES[name](*rest))
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        print(f"{error.strerror or error}{where}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
