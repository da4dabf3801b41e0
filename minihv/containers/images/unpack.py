"""Unpack one layer: a tar on stdin, into the directory that is named, and nowhere else.

Run as a process of its own (archives.py). It makes that directory its root before it reads the
first entry, so that no name, link or `..` in the archive leads outside. Whiteouts of the OCI
format (`.wh.NAME`, `.wh..wh..opq`) become those of overlayfs.
"""

import contextlib
import os
import stat
import sys
import tarfile


def confine(path: str) -> None:
    """Make `path` the root, in a user namespace of our own if we are not root."""
    uid, gid = os.getuid(), os.getgid()
    if uid:
        import ctypes
        if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
            raise OSError("this host does not allow user namespaces; unpack as root")
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"),
                           ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w") as f:
                f.write(text)
    os.chroot(path)
    os.chdir("/")


def unpack(tar: tarfile.TarFile, root: bool) -> None:
    """Every entry, in order; modes of directories last, or a read-only one could not be filled."""
    folders = []
    for entry in tar:
        entry.name = os.path.normpath("/" + entry.name).lstrip("/")
        if entry.islnk():
            entry.linkname = os.path.normpath("/" + entry.linkname).lstrip("/")
        folder, name = os.path.split(entry.name)
        if name.startswith(".wh."):
            white_out(folder, name, entry)
        elif not entry.isdev() and entry.name:
            if entry.isdir():
                folders.append((entry.name, entry.mode))
                entry.mode |= 0o700
            elif os.path.lexists(entry.name):
                os.unlink(entry.name)
            tar.extract(entry, numeric_owner=True, set_attrs=True, **owners(root))
    for name, mode in reversed(folders):
        os.chmod(name, mode & 0o7777 | 0o500)


def owners(root: bool) -> dict:
    """Options of extract: trust the archive with owners if we can give files away."""
    def mine(entry: tarfile.TarInfo, path: str) -> tarfile.TarInfo:
        return entry if root else entry.replace(uid=0, gid=0, uname="", gname="", deep=False)
    return {"filter": mine} if hasattr(tarfile, "data_filter") else {}


def white_out(folder: str, name: str, entry: tarfile.TarInfo) -> None:
    """A file or directory that this layer removes."""
    os.makedirs(folder or "/", exist_ok=True)
    if name == ".wh..wh..opq":
        for attribute in ("trusted.overlay.opaque", "user.overlay.opaque"):
            with contextlib.suppress(OSError):
                os.setxattr(folder or "/", attribute, b"y")
    else:
        os.mknod(os.path.join(folder, name[4:]), stat.S_IFCHR, os.makedev(0, 0))


if __name__ == "__main__":
    privileged = os.getuid() == 0
    os.umask(0o022)
    os.chmod(sys.argv[1], 0o755)
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        confine(sys.argv[1])
        unpack(archive, privileged)
