"""User namespaces, and the calls on users: maps of ids, setuid, capabilities.

Rules: user_namespaces(7), capabilities(7).
"""

from __future__ import annotations

import errno
import itertools
from dataclasses import dataclass, field

from minihv.containers import words
from minihv.containers.model.refusal import fail
from minihv.containers.model.task import Task

CAPS = frozenset(words.CAPS)
NOBODY = 65534
Extent = tuple[int, int, int]   # (first id inside, first id outside, how many)


@dataclass(eq=False)
class UserNamespace:
    """Ids inside mean other ids outside. `uid_map`, written once, is in the kernel's uids."""

    parent: UserNamespace | None
    owner: int = 0
    uid_map: list[Extent] = field(default_factory=list)
    could_setfcap: bool = True
    kind = "user"

    @property
    def level(self) -> int:
        """How deep below the initial one (0)."""
        return self.parent.level + 1 if self.parent else 0

    def to_kernel(self, uid: int) -> int | None:
        """Return the kernel's uid for a uid in here, None if it is not mapped."""
        hits = [kuid + uid - first for first, kuid, n in self.uid_map if first <= uid < first + n]
        return hits[0] if hits else None

    def from_kernel(self, kuid: int) -> int | None:
        """Return what a kernel uid is called in here, None if it has no name (shown as nobody)."""
        hits = [uid + kuid - first for uid, first, n in self.uid_map if first <= kuid < first + n]
        return hits[0] if hits else None

    def within(self, ancestor: UserNamespace) -> bool:
        """Is this `ancestor` or one of its descendants?"""
        return self is ancestor or (self.parent is not None and self.parent.within(ancestor))

    def install(self, process: Task) -> None:
        """Let a process in by setns(2), with all capabilities."""
        if self is process.ns["user"]:
            raise fail(errno.EINVAL, "already in it (re-entering would gain capabilities)")
        process.need(self, "SYS_ADMIN")
        process.ns["user"], process.caps = self, CAPS


class Users(Task):
    """What a process does about ids and rights."""

    def _new_user_ns(self) -> UserNamespace:
        user = self.ns["user"]
        if user.level + self.kernel.contained > 32:  # create_user_ns() in the kernel
            raise fail(errno.ENOSPC, "user namespaces nest 33 deep")
        if self.root != self.ns["mnt"].root_place():
            raise fail(errno.EPERM, "a chrooted process may not make user namespaces")
        if user.from_kernel(self.kuid) is None:
            raise fail(errno.EPERM, "the caller's uid is not mapped in its user namespace")
        return UserNamespace(user, self.kuid, could_setfcap="SETFCAP" in self.caps)

    def map_ids(self, target: Task, *extents: Extent) -> None:
        """Write /proc/PID/uid_map: (uid inside, uid in the parent namespace, count) each."""
        if target.state != "running":
            raise fail(errno.ESRCH, "the process is gone")
        user, mine = target.ns["user"], self.ns["user"]
        if not self.owns(target.kuid):
            raise fail(errno.EACCES, "the map file belongs to another user")
        if user.parent is None or mine not in (user, user.parent):
            raise fail(errno.EPERM, "only from the namespace itself or its parent")
        if user.uid_map:
            raise fail(errno.EPERM, "a map is written once")
        self.need(user, "SYS_ADMIN")
        if any(n < 1 for *_, n in extents) or overlapping(extents):
            raise fail(errno.EINVAL, "extents must not be empty or overlap")
        if any(first == 0 for _, first, _ in extents):
            allowed = user.could_setfcap if mine is user else self.capable(user.parent, "SETFCAP")
            if not allowed:
                raise fail(errno.EPERM, "mapping the parent's root needs CAP_SETFCAP there")
        own = (len(extents) == 1 and extents[0][2] == 1 and user.owner == self.kuid
               and user.parent.to_kernel(extents[0][1]) == self.kuid)
        if not own:
            self.need(user.parent, "SETUID")
        new = []
        for first, outside, count in extents:
            kuid, last = user.parent.to_kernel(outside), user.parent.to_kernel(outside + count - 1)
            if kuid is None or last != kuid + count - 1:
                raise fail(errno.EPERM, "these ids are not mapped in the parent namespace")
            new.append((first, kuid, count))
        user.uid_map = new

    def setuid(self, uid: int) -> None:
        """setuid(2). Leaving uid 0 of the user namespace gives up all capabilities."""
        user = self.ns["user"]
        kuid = user.to_kernel(uid)
        if kuid is None:
            raise fail(errno.EINVAL, "the uid is not mapped in this user namespace")
        if kuid != self.kuid:
            self.need(user, "SETUID")
        if self.kuid == user.to_kernel(0) != kuid:
            self.caps = frozenset()
        self.kuid = kuid

    def drop(self, *caps: str) -> None:
        """capset(2): give up capabilities for good (SETUID takes SETGID along)."""
        self.caps -= {*caps, *(["SETGID"] if "SETUID" in caps else [])}

    def uid_of(self, pid: int) -> int:
        """Return what the owner of a process is called here."""
        uid = self.ns["user"].from_kernel(self.ns["pid"].processes[pid].kuid)
        return NOBODY if uid is None else uid

    def _map_as_seen(self) -> tuple[Extent, ...]:
        user = self.ns["user"]
        above = user.parent or UserNamespace(None, uid_map=[(0, 0, 2**32 - 1)])
        return tuple((a, above.from_kernel(b) or 0, n) for a, b, n in sorted(user.uid_map))


def overlapping(extents: tuple[Extent, ...]) -> bool:
    """Do two extents share an id, inside or outside?"""
    return any(a[side] < b[side] + b[2] and b[side] < a[side] + a[2]
               for a, b in itertools.combinations(extents, 2) for side in (0, 1))
