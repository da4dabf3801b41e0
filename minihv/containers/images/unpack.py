"""Apply one layer: a tar on stdin, over the layers below it, into FOLDER/upper and nowhere else.

    unpack.py checked|unchecked FOLDER [LOWER ...]        (names of lower layers beside FOLDER,
                                                           from the top down)

Run as a process of its own (store.py). Before it reads the first entry it makes its root what is to
be changed, mounted as overlayfs over what is below: so no name, link or `..` leads outside, lower
layers stay as they are, and the kernel itself keeps what changes in its own form (whiteouts, opaque
folders, copies of what an entry needs from below). The rules for entries are those of layer.md of
the OCI image specification 1.1. Whiteouts count for lower layers only, whatever their order, so
they are all applied before the first other entry.
"""

import contextlib
import ctypes
import errno
import os
import shutil
import sys
import tarfile
from base64 import b64decode
from collections.abc import Iterator
from urllib.parse import unquote

MOST_BYTES, MOST_ENTRIES, DEEPEST = 4 << 30, 1 << 20, 256
LIMITS = {"RLIMIT_AS": 1 << 30, "RLIMIT_CPU": 900}  # of this process: a header may ask for 4 GiB
libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *args: object) -> None:
    """Make a system call that Python lacks."""
    if getattr(libc, name)(*args):
        code = ctypes.get_errno()
        raise OSError(code, f"this host does not allow {name}: {os.strerror(code)}")


def confine(folder: str, lowers: list[str]) -> int:
    """Make FOLDER/upper the root, with the layers below it, in a user namespace if not root.
    Return a descriptor of FOLDER/upper itself."""
    uid, gid = os.getuid(), os.getgid()
    os.chdir(os.path.dirname(folder))
    new = os.path.basename(folder)
    for name in ("upper", "work", "root"):
        os.mkdir(f"{new}/{name}", 0o755)
    if uid or lowers:
        call("unshare", 0x20000 | (0x10000000 if uid else 0))  # CLONE_NEWNS, CLONE_NEWUSER
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"),
                       ("gid_map", f"0 {gid} 1")) if uid else ():
        with open(f"/proc/self/{name}", "w") as f:
            f.write(text)
    if lowers:
        below = os.stat(lowers[0])
        os.chmod(f"{new}/upper", below.st_mode & 0o7777)
        os.chown(f"{new}/upper", below.st_uid, below.st_gid)
        options = f"lowerdir={':'.join(lowers)},upperdir={new}/upper,workdir={new}/work,volatile"
        call("mount", None, b"/", None, 0x44000, None)  # MS_REC | MS_PRIVATE
        call("mount", b"overlay", f"{new}/root".encode(), b"overlay", 0,
             (options + ",userxattr" * bool(uid)).encode())
        # else an ordinary user could not remove them:
        for place in ("work", "work/incompat", "work/incompat/volatile"):
            with contextlib.suppress(FileNotFoundError):
                os.chmod(f"{new}/work/{place}", 0o700)
    upper = os.open(f"{new}/upper", os.O_RDONLY)
    os.chroot(f"{new}/{'root' if lowers else 'upper'}")
    os.chdir("/")
    return upper


def is_folder(path: str) -> bool:
    """Return True for a folder, not for a link to one."""
    return os.path.isdir(path) and not os.path.islink(path)


def remove(path: str) -> None:
    """Remove whatever is at a path, if anything is."""
    if is_folder(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def real(name: str) -> tuple[str, str, str]:
    """Return for a name of the archive its folder, links resolved, its last part, and both."""
    folder, base = os.path.split(os.path.normpath("/" + name))
    folder = os.path.realpath(folder).replace("//", "/")
    if folder.count("/") > DEEPEST:
        raise ValueError(f"is more than {DEEPEST} folders deep")
    return folder, base, os.path.join(folder, base)


def white_out(name: str) -> None:
    """Remove what lower layers have: one name, or all in a folder; it need not be there."""
    folder, base, _ = real(name)
    if base in (".wh.", ".wh..", ".wh..."):
        raise ValueError("is the whiteout of no name")
    if not is_folder(folder):
        return
    if base == ".wh..wh..opq":
        for child in os.listdir(folder):
            remove(os.path.join(folder, child))
    elif not base.startswith(".wh..wh."):  # the others are notes of AUFS
        remove(os.path.join(folder, base[4:]))


def add(tar: tarfile.TarFile, entry: tarfile.TarInfo, root: bool) -> str:
    """Add an entry in place of what was there; only a folder keeps what is in it. Return its path,
    "" if it is left out."""
    folder, base, path = real(entry.name)
    if not base and not entry.isdir():
        raise ValueError("takes the place of the root folder")
    for end in [] if is_folder(folder) else [i for i, c in enumerate(folder + "/") if c == "/"][1:]:
        if not is_folder(folder[:end]):
            remove(folder[:end])
            os.mkdir(folder[:end], 0o755)
    if entry.islnk():
        link(path, entry.linkname)
    elif not (entry.isdir() and is_folder(path)):
        remove(path)
        if entry.isblk() or entry.ischr():  # it would be a door to the host
            return ""
        if entry.isdir():
            os.mkdir(path)
        elif entry.issym():
            os.symlink(entry.linkname, path)
        elif entry.isfifo():
            os.mkfifo(path)
        elif entry.isreg():
            tar.makefile(entry, path)
        else:
            raise ValueError(f"is of a type that minihv does not know ({entry.type!r})")
    dress(path, entry, root)
    return path


def link(path: str, target: str) -> None:
    """Add a hard link."""
    source = real(target)[2]
    if is_folder(source) or not os.path.lexists(source):
        what = "a folder" if is_folder(source) else "not there"
        raise ValueError(f"is a hard link to {target!r}, which is {what}")
    if source.startswith(path + "/"):
        raise ValueError(f"is a hard link to {target!r} and takes the place of its folder")
    if source != path:
        remove(path)
        os.link(source, path, follow_symlinks=False)


def dress(path: str, entry: tarfile.TarInfo, root: bool) -> None:
    """Set owner (if we can give files away), mode, extended attributes and time, in this order: a
    new owner takes the set-uid bit and capabilities away."""
    if root:
        os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
    if not os.path.islink(path):
        # an ordinary user must stay able to remove the folder
        os.chmod(path, entry.mode & 0o7777 | (0 if root or not is_folder(path) else 0o700))
    for name, value in attributes(entry).items():
        if (name.startswith("user.") or name == "security.capability") \
                and not name.startswith("user.overlay."):
            set_attribute(path, name, value)
    set_time(path, entry)


def set_attribute(path: str | int, name: str, value: bytes) -> None:
    """Set an extended attribute, unless links or the file system cannot have it."""
    try:
        os.setxattr(path, name, value, follow_symlinks=isinstance(path, int))
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP):
            raise


def set_time(path: str, entry: tarfile.TarInfo) -> None:
    """Set when a file was changed, as nearly as the kernel can keep it."""
    mtime = min(max(entry.mtime, 0), 1 << 33)
    os.utime(path, (mtime, mtime), follow_symlinks=False)


def attributes(entry: tarfile.TarInfo) -> dict[str, bytes]:
    """Return the extended attributes of an entry, in either notation of PAX headers."""
    found = {}
    for key, value in entry.pax_headers.items():
        if key.startswith("SCHILY.xattr."):
            found[key[13:]] = os.fsencode(value)
        elif key.startswith("LIBARCHIVE.xattr."):
            found.setdefault(unquote(key[17:]), b64decode(value + "=="))
    return found


class BrokenArchive(Exception):
    """What is on stdin is no tar, or not a whole one."""


def entries(checked: bool) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Yield every entry. `checked`: the digest is right, so an end mark may be missing."""
    stream, total, last = sys.stdin.buffer, 0, -1
    stream.seek(0)
    try:
        tar = tarfile.open(fileobj=stream, mode="r:")
        for count, entry in enumerate(iter(tar.next, None)):
            tar.members = []  # type: ignore[attr-defined]  # else they stay in memory
            total += entry.size
            if entry.size < 0 or entry.offset <= last:
                raise BrokenArchive(f"an entry of {entry.size} bytes at byte {entry.offset}")
            if count >= MOST_ENTRIES or total > MOST_BYTES:
                raise BrokenArchive(f"more than {MOST_ENTRIES} entries or {MOST_BYTES >> 30} GiB")
            last = entry.offset
            yield tar, entry
        stream.seek(tar.offset)  # where tarfile stopped: it may not say why
        block = stream.read(512)
        if block.strip(b"\0") or 0 < len(block) < 512 or not (block or checked):
            raise BrokenArchive(f"cut off or damaged at byte {tar.offset}")
    except (tarfile.TarError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError,
            RecursionError, OSError) as error:
        raise BrokenArchive(str(error) or repr(error)) from error


def apply(checked: bool, root: bool) -> None:
    """Read the archive twice: for its whiteouts, then for all else."""
    folders = {}
    for adding in (False, True):
        for tar, entry in entries(checked):
            try:
                if adding is os.path.basename(os.path.normpath(entry.name)).startswith(".wh."):
                    continue
                if not adding:
                    white_out(entry.name)
                elif (path := add(tar, entry, root)) and entry.isdir():
                    folders[path] = entry
            except (OSError, ValueError, OverflowError, RecursionError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                if isinstance(error, RecursionError):
                    reason = "leads through too many links"
                raise SystemExit(f"{entry.name[:200]!r}: {reason}") from error
    for path, entry in folders.items():  # last: to fill a folder changes its time
        if is_folder(path):
            set_time(path, entry)


def show_to_others(upper: int) -> None:
    """Say that a folder is opaque also in the way that mounts without root's rights understand."""
    for _, _, _, folder in os.fwalk(dir_fd=upper):
        if "trusted.overlay.opaque" in os.listxattr(folder):
            set_attribute(folder, "user.overlay.opaque", b"y")


def main(checked: str, folder: str, *lowers: str) -> None:
    """Unpack; exit with one line if that cannot be."""
    import resource

    for name, most in LIMITS.items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        resource.setrlimit(number, (most if hard < 0 else min(most, hard),) * 2)
    root = os.getuid() == 0
    os.umask(0o022)
    try:
        upper = confine(folder, list(lowers))
        apply(checked == "checked", root)
        if root:
            show_to_others(upper)
    except BrokenArchive as error:
        sys.exit(f"not a tar archive, or a broken one: {error}")
    except MemoryError:
        sys.exit(f"not a sound archive: it wants more than {LIMITS['RLIMIT_AS'] >> 20} MiB to read")
    except OSError as error:
        sys.exit(str(error.strerror or error))


if __name__ == "__main__":
    main(*sys.argv[1:])
