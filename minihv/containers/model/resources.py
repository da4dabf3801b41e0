"""The small namespaces (uts, ipc, net, time, cgroup), the calls on what they divide, and limits.

Rules: uts_namespaces(7), ipc_namespaces(7), network_namespaces(7), time_namespaces(7), cgroups(7).
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field

from minihv.containers.model.pids import SIGKILL, Life
from minihv.containers.model.refusal import fail
from minihv.containers.model.task import Namespace, Task
from minihv.containers.model.users import UserNamespace


@dataclass(eq=False)
class UtsNamespace(Namespace):
    """The machine's name."""

    hostname: str = "host"
    kind = "uts"

    def fresh(self, user_ns: UserNamespace) -> UtsNamespace:
        """Return a new one, with this one's name to begin with."""
        return UtsNamespace(user_ns, self.hostname)


@dataclass(eq=False)
class IpcNamespace(Namespace):
    """Keys of System V message queues."""

    queues: set[int] = field(default_factory=set)
    kind = "ipc"


@dataclass(eq=False)
class NetNamespace(Namespace):
    """Network devices; ports are taken by the sockets of processes."""

    links: set[str] = field(default_factory=lambda: {"lo"})
    kind = "net"


class TimeNamespace(Namespace):
    """Offsets of clocks (which nothing here shows)."""

    kind = "time"

    def install(self, process: Task) -> None:
        """Let a process and its future children in by setns(2)."""
        process.ns["time"] = process.child_ns["time"] = self


class CgroupNamespace(Namespace):
    """What a process sees as the root of the groups (which nothing here shows)."""

    kind = "cgroup"


@dataclass(eq=False)
class Cgroup:
    """A group of processes with limits; `used` is what its processes (and subgroups) hold."""

    name: str
    parent: Cgroup | None = None
    pids: float = float("inf")
    memory: float = float("inf")
    cpus: float = float("inf")
    shares: float = 1024

    def chain(self) -> list[Cgroup]:
        """Return this group and all above: each has to agree to a charge."""
        return [self, *(self.parent.chain() if self.parent else [])]


class Resources(Life):
    """What a process does with these."""

    def sethostname(self, name: str) -> None:
        """sethostname(2)."""
        self.need(self.ns["uts"].user_ns, "SYS_ADMIN")
        if len(name) > 64:
            raise fail(errno.EINVAL, "at most 64 bytes")
        self.ns["uts"].hostname = name

    def link_add(self, name: str) -> None:
        """Make a bridge of that name in the network namespace."""
        self.need(self.ns["net"].user_ns, "NET_ADMIN")
        if name in self.ns["net"].links:
            raise fail(errno.EEXIST, f"{name} exists in this network namespace")
        self.ns["net"].links.add(name)

    def bind(self, port: int) -> None:
        """Listen on a TCP port of all addresses; forked children share the socket."""
        net = self.ns["net"]
        if port < 1024 and not self.capable(net.user_ns, "NET_BIND_SERVICE"):
            raise fail(errno.EACCES, "ports below 1024 need CAP_NET_BIND_SERVICE")
        if any((net, port) in p.sockets for p in self.kernel.processes()):
            raise fail(errno.EADDRINUSE, "the port is taken in this network namespace")
        self.sockets.append((net, port))

    def msgget(self, key: int, create: bool = False) -> None:
        """msgget(2): find a System V message queue, or make one that must be new."""
        if create and key in self.ns["ipc"].queues:
            raise fail(errno.EEXIST, "the key is taken in this ipc namespace")
        if not create and key not in self.ns["ipc"].queues:
            raise fail(errno.ENOENT, "no such key in this ipc namespace")
        self.ns["ipc"].queues.add(key)

    def _members(self, group: Cgroup) -> list[Life]:
        return [p for p in self.kernel.processes() if group in p.cgroup.chain()]

    def _charge_fork(self) -> None:
        for group in self.cgroup.chain():
            if len(self._members(group)) >= group.pids:
                raise fail(errno.EAGAIN, f"cgroup {group.name} is at its limit of processes")

    def allocate(self, size: int) -> None:
        """Touch `size` more bytes; over the limit of a cgroup, its largest process is killed."""
        self.held += size
        for group in self.cgroup.chain():
            members = self._members(group)
            if sum(p.held for p in members) > group.memory:
                max(members, key=lambda p: p.held)._die(SIGKILL)
