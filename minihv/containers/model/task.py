"""The state of a process, who may do what, and what all kinds of namespaces share.

Rules: namespaces(7), capabilities(7), user_namespaces(7), ptrace(2).
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from minihv.containers.model.mounts import Place
from minihv.containers.model.refusal import fail

if TYPE_CHECKING:
    from minihv.containers.model.kernel import Kernel
    from minihv.containers.model.resources import Cgroup
    from minihv.containers.model.users import UserNamespace


@dataclass(eq=False)
class Namespace:
    """A copy of one of the kernel's tables. Capabilities in `user_ns`, its owner, count here."""

    user_ns: UserNamespace
    kind: ClassVar[str]

    def fresh(self, user_ns: UserNamespace) -> Self:
        """Return the new one that a process in this one makes by clone(2) or unshare(2)."""
        return type(self)(user_ns)

    def install(self, process: Any) -> None:
        """Let a process in by setns(2), which has checked that it is admin here and at home."""
        process.ns[self.kind] = self

    def born(self, process: Any) -> None:
        """A process begins its life here (only kinds in Task.child_ns are told)."""


class Task:
    """What the families of system calls have in common."""

    kernel: Kernel
    parent: Any                             # a Process, None of the first one
    children: list[Any]
    ns: dict[str, Any]                      # by kind; only user once it is dead
    child_ns: dict[str, Any]                # pid, time: not it but its children move (unshare(2))
    pids: dict[Any, int]                    # its number in each pid namespace, outermost first
    kuid: int                               # the kernel's uid
    caps: frozenset[str]
    root: Place
    cwd: Place
    handles: list[Place]                    # open directories
    sockets: list[tuple[Namespace, int]]    # network namespace, TCP port
    cgroup: Cgroup
    held: int                               # bytes of memory
    state: str                              # running, exiting, zombie, dead
    status: int                             # as wait(2) gives it

    def capable(self, user_ns: UserNamespace, cap: str) -> bool:
        """A capability counts in the process's user namespace and in those below it; the owner
        of a user namespace, seen from its parent, has them all (user_namespaces(7))."""
        mine = self.ns["user"]
        while user_ns is not mine:
            if user_ns.parent is mine and user_ns.owner == self.kuid:
                return True
            if user_ns.parent is None:
                return False
            user_ns = user_ns.parent
        return cap in self.caps

    def need(self, user_ns: UserNamespace, cap: str) -> None:
        """EPERM unless capable."""
        if not self.capable(user_ns, cap):
            raise fail(errno.EPERM, f"needs CAP_{cap} in the user namespace that owns the target")

    def may_access(self, other: Task) -> bool:
        """The rule of ptrace(2), also asked by /proc and by setns: same user and no more
        capabilities, or CAP_SYS_PTRACE over the other's user namespace."""
        if self.capable(other.ns["user"], "SYS_PTRACE"):
            return True
        same_ns = self.ns["user"] is other.ns["user"]
        return self.kuid == other.kuid and same_ns and other.caps <= self.caps

    def owns(self, kuid: int) -> bool:
        """May the process write what `kuid` owns (mode 0644 or 0755)?"""
        known = self.ns["user"].from_kernel(kuid) is not None
        return self.kuid == kuid or (known and "DAC_OVERRIDE" in self.caps)
