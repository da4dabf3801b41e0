"""The user that an image asks for, looked up in its own files (config.md, User)."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

MOST_ID = (1 << 31) - 1


def table(path: str, fields: int) -> list[list[str]]:
    """Return the lines of a file of the image, which may be anything."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return []
    try:
        data = os.read(fd, 1 << 20) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
    finally:
        os.close(fd)
    lines = (line.split(":") for line in data.decode(errors="replace").splitlines())
    return [line for line in lines if len(line) >= fields and number(line[2]) is not None]


def number(text: str) -> int | None:
    """Return an id written in digits, None if it is none."""
    digits = text.isascii() and text.isdigit() and len(text) <= 10
    return int(text) if digits and int(text) <= MOST_ID else None


def lookup(user: str) -> tuple[int, int, list[int]] | None:
    """Return uid, gid and further groups of `user`, `uid`, `user:group`, ...; None for "".

    OSError: there is none of that name."""
    if not user:
        return None
    name, _, group = user.partition(":")
    groups = table("/etc/group", 4)
    found = next((p for p in table("/etc/passwd", 4) if name in (p[0], p[2])), None)
    uid = number(found[2] if found else name or "0")
    gid = number(found[3]) if found else 0
    if group:
        entry = next((g for g in groups if group in (g[0], g[2])), None)
        gid, groups = number(entry[2] if entry else group), []
    if uid is None or gid is None:
        what = f"the image's /etc has no such user or group {user[:80]!r}"
        raise OSError(errno.EINVAL, what, "User")
    more = [int(g[2]) for g in groups if found and found[0] in g[3].split(",")]
    return uid, gid, more


def become(uid: int, gid: int, groups: list[int]) -> None:
    """Take on an identity for good; a user namespace may have it or not."""
    with contextlib.suppress(PermissionError):  # a user namespace of ours forbids it
        os.setgroups(groups)
    try:
        os.setgid(gid)
        os.setuid(uid)
    except OSError as error:
        raise OSError(error.errno, f"user {uid}:{gid} of the image cannot be had rootless; "
                      "run as root", "User") from error
