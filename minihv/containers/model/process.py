"""A process: the calls that make and enter namespaces, and all that it sees.

The other families of system calls are its base classes. Rules: clone(2), unshare(2), setns(2).
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from minihv.containers.model.mounting import Mounting
from minihv.containers.model.mounts import Place
from minihv.containers.model.refusal import fail
from minihv.containers.model.resources import Cgroup, Resources
from minihv.containers.model.users import CAPS, NOBODY, UserNamespace, Users

if TYPE_CHECKING:
    from minihv.containers.model.kernel import Kernel


class Process(Users, Resources, Mounting):
    """A process; its methods are the system calls that it can make."""

    def __init__(self, kernel: Kernel, parent: Process | None, ns: dict[str, Any], kuid: int,
                 caps: frozenset[str], root: Place, cwd: Place, cgroup: Cgroup):
        self.kernel, self.parent, self.ns, self.kuid = kernel, parent, dict(ns), kuid
        self.caps, self.root, self.cwd, self.cgroup = caps, root, cwd, cgroup
        self.child_ns = {"pid": ns["pid"], "time": ns["time"]}
        self.children: list[Process] = []
        self.handles, self.sockets, self.held = [], [], 0
        self.state, self.status = "running", 0
        for kind in self.child_ns.values():
            kind.born(self)
        if parent:
            parent.children.append(self)

    # ---- namespaces -----------------------------------------------------------------------

    def _new_namespaces(self, kinds: tuple[str, ...]) -> dict[str, Any]:
        """Return a new namespace of each kind but mnt; all belong to the new or own user ns."""
        user = self._new_user_ns() if "user" in kinds else self.ns["user"]
        if kinds and "user" not in kinds:
            self.need(user, "SYS_ADMIN")
        if "pid" in kinds and self.child_ns["pid"] is not self.ns["pid"]:
            raise fail(errno.EINVAL, "children already go to another pid namespace")
        now = self.ns | self.child_ns
        return {kind: now[kind].fresh(user) for kind in kinds if kind not in ("mnt", "user")} | {
            "user": user}

    def unshare(self, *kinds: str) -> None:
        """unshare(2). Its own pid and time namespace a process keeps: only children move."""
        new, old = self._new_namespaces(kinds), self.ns["mnt"]
        if "mnt" in kinds:
            self._copy_mounts(new["user"])
        if "user" in kinds:
            self.caps = CAPS
        for kind in self.child_ns:
            if kind in new:
                self.child_ns[kind] = new.pop(kind)
        self.ns |= new
        old.left(self.kernel.processes())

    def clone(self, *kinds: str) -> Process:
        """clone3(2) as fork: the child starts in the new namespaces."""
        ns = self.ns | self.child_ns | self._new_namespaces(kinds)
        self._charge_fork()
        caps = CAPS if "user" in kinds else self.caps
        child = Process(self.kernel, self, ns, self.kuid, caps, self.root, self.cwd, self.cgroup)
        child.handles, child.sockets = list(self.handles), list(self.sockets)
        if "mnt" in kinds:
            child._copy_mounts(ns["user"])
        return child

    def _copy_mounts(self, user: UserNamespace) -> None:
        self.ns["mnt"], became = self.ns["mnt"].copy(user)
        self.root = Place(became.get(self.root.mount, self.root.mount), self.root.node)
        self.cwd = Place(became.get(self.cwd.mount, self.cwd.mount), self.cwd.node)

    def setns(self, target: Process, kind: str) -> None:
        """setns(2) with the pidfd of another process: enter its namespace of one kind."""
        if target.state == "dead":
            raise fail(errno.ESRCH, "the process is gone")
        if not self.may_access(target):
            raise fail(errno.EPERM, "entering a process's namespaces needs the right to trace it")
        if target.state != "running":
            raise fail(errno.ESRCH, "a dead process has no namespaces")
        ns = target.ns[kind]
        if kind != "user":
            self.need(ns.user_ns, "SYS_ADMIN")
            self.need(self.ns["user"], "SYS_ADMIN")
        ns.install(self)

    # ---- what it sees -----------------------------------------------------------------------

    def view(self) -> dict[str, Any]:
        """Return all that the process sees of the machine; the real kernel gives the same keys."""
        user, pid_ns = self.ns["user"], self.ns["pid"]
        inside = user.from_kernel(self.kuid)
        return {
            "pid": self.pid, "ppid": self.getppid(), "pids": tuple(self.pids.values()),
            "uid": NOBODY if inside is None else inside, "caps": tuple(sorted(self.caps)),
            "uid_map": self._map_as_seen(), "hostname": self.ns["uts"].hostname,
            "links": tuple(sorted(self.ns["net"].links)),
            "queues": tuple(sorted(self.ns["ipc"].queues)),
            "processes": tuple(sorted(pid_ns.processes)), "mounts": self.mountinfo(),
            "ns": {kind: id(ns) for kind, ns in self.ns.items()}
            | {f"{kind}_for_children": "" if kind == "pid" and ns.init is None else id(ns)
               for kind, ns in self.child_ns.items()},
        }
