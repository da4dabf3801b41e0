"""A small kernel: processes, users and namespaces, with Linux's rules for who may do what.

Deterministic, and needs no privilege: what happens here would happen on Linux 6.17 or later, which
tests/containers/test_differential.py checks against the real kernel. A system call is a method of
Process and raises OSError with Linux's errno and the rule that refused. Rules: namespaces(7),
user_namespaces(7), pid_namespaces(7), capabilities(7), cgroups(7).
"""

from __future__ import annotations

import errno
import itertools
from dataclasses import dataclass, field
from typing import Any

from minihv.containers.files import Files
from minihv.containers.mounts import FileSystem, Mount, MountNamespace, Node, Place, fail
from minihv.containers.steps import CAP_NAMES

KINDS = ("mnt", "uts", "ipc", "pid", "cgroup", "net", "time", "user")
CAPS = frozenset(CAP_NAMES)
NOBODY = 65534
SIGKILL, SIGTERM = 9, 15


@dataclass(eq=False)
class Namespace:
    """A view on one of the kernel's tables; `user_ns` says whose capabilities count in it."""

    kind: str
    user_ns: Any
    hostname: str = ""
    links: set[str] = field(default_factory=lambda: {"lo"})
    queues: set[int] = field(default_factory=set)
    root: Any = None


@dataclass(eq=False)
class UserNamespace:
    """Ids inside mean other ids outside. `uid_map`: (inside, kernel uid, count), written once."""

    parent: UserNamespace | None
    owner: int = 0
    uid_map: list[tuple[int, int, int]] = field(default_factory=list)
    could_setfcap: bool = True
    kind = "user"

    @property
    def level(self) -> int:
        """How deep below the initial one (0)."""
        return self.parent.level + 1 if self.parent else 0

    def to_kernel(self, uid: int) -> int | None:
        """The kernel's uid for a uid in here, None if it is not mapped."""
        hits = [kuid + uid - first for first, kuid, n in self.uid_map if first <= uid < first + n]
        return hits[0] if hits else None

    def from_kernel(self, kuid: int) -> int | None:
        """How a kernel uid is called in here, None if it has no name (shown as nobody)."""
        hits = [uid + kuid - first for uid, first, n in self.uid_map if first <= kuid < first + n]
        return hits[0] if hits else None

    def within(self, ancestor: UserNamespace) -> bool:
        """Is this `ancestor` or one of its descendants?"""
        return self is ancestor or (self.parent is not None and self.parent.within(ancestor))


@dataclass(eq=False)
class PidNamespace:
    """Process numbers. A process has one in its namespace and one in each above. When the init
    (the first process) dies, all others are killed and no new one can start."""

    user_ns: UserNamespace
    parent: PidNamespace | None = None
    last: int = 0
    dead: bool = False
    processes: dict[int, Process] = field(default_factory=dict)
    init: Process | None = None
    kind = "pid"

    def chain(self) -> list[PidNamespace]:
        """From the outermost to this one."""
        return [*(self.parent.chain() if self.parent else []), self]


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
        """This group and all above: each has to agree to a charge."""
        return [self, *(self.parent.chain() if self.parent else [])]


class Kernel:
    """One machine. `contained`: its first user namespace is itself a child of another (as the
    test's is), so that nobody in here has power over the hardware."""

    def __init__(self, uid_map: list[tuple[int, int, int]] | None = None, contained: bool = False,
                 dirs: tuple[str, ...] = (), why: str = ""):
        self.contained = False
        self.backend = "the model" + (f", because {why}" if why else "")
        host = UserNamespace(None, uid_map=uid_map or [(0, 0, 2**32 - 1)])
        ns: dict[str, Any] = {k: Namespace(k, host, "host") for k in KINDS}
        ns |= {"user": host, "pid": PidNamespace(host)}
        self.cgroup = ns["cgroup"].root = Cgroup("/")
        self.proc: dict[Node, PidNamespace] = {}
        kuid = host.to_kernel(0) or 0
        rootfs = Mount(FileSystem("rootfs", "rootfs", host, Node("")), Node(""))
        root = Mount(FileSystem("tmpfs", "root", host, Node("", owner=kuid)), Node(""))
        root.root, root.locked = root.fs.root, contained
        root.attach(rootfs, rootfs.root)
        ns["mnt"] = MountNamespace(host, rootfs)
        place = Place(root, root.root)
        self.init = Process(self, None, ns, kuid, CAPS, place, place, self.cgroup)
        for name in ("proc", *dirs):
            self.init.mkdir(f"/{name}")
        self.init.mount("proc", "/proc", "proc")
        self.contained = contained

    def proc_fs(self, pid_ns: PidNamespace) -> FileSystem:
        """A new /proc that shows a pid namespace (since Linux 5.8 each mount is one of its own)."""
        fs = FileSystem("proc", "proc", pid_ns.user_ns, Node(""))
        fs.root.add("self")
        fs.root.add("sys").add("vm").add("swappiness", "file", data="60")
        self.proc[fs.root] = pid_ns
        return fs

    def limit(self, process: Process, **limits: float) -> None:
        """A new cgroup for a process, with limits (pids, memory in bytes, cpus, shares)."""
        process.cgroup = Cgroup(f"c{process.pid}", process.cgroup, **limits)

    def burn(self, busy: list[Process], seconds: float) -> list[float]:
        """CPU seconds that busy loops get on one CPU. Groups of limit(), and each process outside
        of them, share it by weight, but no more than their quota; inside, all get the same."""
        crowd: dict[Any, list[Process]] = {}
        for p in busy:
            crowd.setdefault(p if p.cgroup is self.cgroup else p.cgroup, []).append(p)
        groups = {who: all_in[0].cgroup for who, all_in in crowd.items()}
        got = dict.fromkeys(groups, 0.0)
        left, hungry = seconds, list(groups)
        while hungry and left > 1e-9:
            weight = sum(groups[who].shares for who in hungry)
            for who in hungry:
                room = groups[who].cpus * seconds - got[who]
                got[who] += min(left * groups[who].shares / weight, room)
            left = seconds - sum(got.values())
            hungry = [who for who in hungry if groups[who].cpus * seconds - got[who] > 1e-9]
        share = {p: got[who] / len(all_in) for who, all_in in crowd.items() for p in all_in}
        return [share[p] for p in busy]

    def close(self) -> None:
        """Nothing to tidy up."""

    def processes(self) -> list[Process]:
        """All processes that are not reaped yet, oldest first."""
        return list(self.init.ns["pid"].processes.values())


class Process(Files):
    """A process; its methods are the system calls that it can make."""

    def __init__(self, kernel: Kernel, parent: Process | None, ns: dict[str, Any], kuid: int,
                 caps: frozenset[str], root: Place, cwd: Place, cgroup: Cgroup):
        self.kernel, self.parent, self.ns, self.kuid = kernel, parent, dict(ns), kuid
        self.caps, self.root, self.cwd, self.cgroup = caps, root, cwd, cgroup
        self.child_ns = {"pid": ns["pid"], "time": ns["time"]}
        self.children: list[Process] = []
        self.handles: list[Place] = []
        self.sockets: list[tuple[Namespace, int]] = []
        self.held = 0
        self.state, self.status = "running", 0
        self.pids = self._number(ns["pid"])
        if parent:
            parent.children.append(self)

    def _number(self, pid_ns: PidNamespace) -> dict[PidNamespace, int]:
        pids = {}
        for ns in pid_ns.chain():
            ns.last += 1
            pids[ns] = ns.last
        if pid_ns.dead:
            raise fail(errno.ENOMEM, "the init of this pid namespace is dead")
        for ns, pid in pids.items():
            ns.processes[pid] = self
        pid_ns.init = pid_ns.init or self
        return pids

    # ---- who may do what ------------------------------------------------------------------

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

    def may_access(self, other: Process) -> bool:
        """The rule of ptrace(2), also asked by /proc and by setns: same user and no more
        capabilities, or CAP_SYS_PTRACE over the other's user namespace."""
        if self.capable(other.user_ns, "SYS_PTRACE"):
            return True
        same_ns = self.ns["user"] is other.user_ns
        return self.kuid == other.kuid and same_ns and other.caps <= self.caps

    def owns(self, kuid: int) -> bool:
        """May the process write what `kuid` owns (mode 0644 or 0755)?"""
        known = self.ns["user"].from_kernel(kuid) is not None
        return self.kuid == kuid or (known and "DAC_OVERRIDE" in self.caps)

    # ---- namespaces -----------------------------------------------------------------------

    def _new_user_ns(self) -> UserNamespace:
        user = self.ns["user"]
        if user.level >= 32:
            raise fail(errno.ENOSPC, "user namespaces nest 32 deep")
        if self.root != self.ns["mnt"].root_place():
            raise fail(errno.EPERM, "a chrooted process may not make user namespaces")
        if user.from_kernel(self.kuid) is None:
            raise fail(errno.EPERM, "the caller's uid is not mapped in its user namespace")
        return UserNamespace(user, self.kuid, could_setfcap="SETFCAP" in self.caps)

    def _new_namespaces(self, kinds: tuple[str, ...], user: UserNamespace) -> dict[str, Any]:
        """One new namespace of each kind but mnt and user, owned by `user`."""
        if "pid" in kinds and self.child_ns["pid"] is not self.ns["pid"]:
            raise fail(errno.EINVAL, "children already go to another pid namespace")
        if "pid" in kinds and not user.within(self.ns["pid"].user_ns):
            raise fail(errno.EINVAL, "the pid namespace above belongs to an unrelated user")
        new: dict[str, Any] = {}
        for kind in (k for k in kinds if k not in ("mnt", "user")):
            new[kind] = Namespace(kind, user, self.ns["uts"].hostname, root=self.cgroup)
        if "pid" in kinds:
            new["pid"] = PidNamespace(user, self.ns["pid"])
        return new

    def unshare(self, *kinds: str) -> None:
        """unshare(2). Its own pid and time namespace a process keeps: only children move."""
        user = self._new_user_ns() if "user" in kinds else self.ns["user"]
        if set(kinds) - {"user"} and "user" not in kinds:
            self.need(user, "SYS_ADMIN")
        new = self._new_namespaces(kinds, user)
        old = self.ns["mnt"]
        if "mnt" in kinds:
            self._copy_mounts(user)
        if "user" in kinds:
            self.ns["user"], self.caps = user, CAPS
        for kind in ("pid", "time"):
            if kind in new:
                self.child_ns[kind] = new.pop(kind)
        self.ns |= new
        self._forget(old)

    def _copy_mounts(self, user: UserNamespace) -> None:
        new, became = self.ns["mnt"].copy(user)
        self.ns["mnt"] = new
        self.root = Place(became.get(self.root.mount, self.root.mount), self.root.node)
        self.cwd = Place(became.get(self.cwd.mount, self.cwd.mount), self.cwd.node)

    def _forget(self, old: MountNamespace) -> None:
        """A mount namespace dies with its last process."""
        if not any(p.ns.get("mnt") is old for p in self.kernel.processes()):
            old.dissolve()

    def clone(self, *kinds: str) -> Process:
        """clone3(2) as fork: the child starts in the new namespaces."""
        user = self._new_user_ns() if "user" in kinds else self.ns["user"]
        if set(kinds) - {"user"} and "user" not in kinds:
            self.need(user, "SYS_ADMIN")
        new = self.ns | self.child_ns | self._new_namespaces(kinds, user) | {"user": user}
        self._charge_fork()
        caps = CAPS if "user" in kinds else self.caps
        child = Process(self.kernel, self, new, self.kuid, caps, self.root, self.cwd, self.cgroup)
        child.handles, child.sockets = list(self.handles), list(self.sockets)
        if "mnt" in kinds:
            child._copy_mounts(user)
        return child

    def setns(self, target: Process, kind: str) -> None:
        """setns(2) with the pidfd of another process: enter its namespace of one kind."""
        if target.state == "dead":
            raise fail(errno.ESRCH, "the process is gone")
        if not self.may_access(target):
            raise fail(errno.EPERM, "entering a process's namespaces needs the right to trace it")
        if target.state != "running":
            raise fail(errno.ESRCH, "a dead process has no namespaces")
        ns = target.ns[kind]
        if kind == "user":
            if ns is self.ns["user"]:
                raise fail(errno.EINVAL, "already in it (re-entering would gain capabilities)")
            self.need(ns, "SYS_ADMIN")
            self.ns["user"], self.caps = ns, CAPS
            return
        self.need(ns.user_ns, "SYS_ADMIN")
        self.need(self.ns["user"], "SYS_ADMIN")
        if kind == "mnt":
            self.need(self.ns["user"], "SYS_CHROOT")
            old, self.ns["mnt"] = self.ns["mnt"], ns
            self.root = self.cwd = ns.root_place()
            self._forget(old)
        elif kind == "pid":
            if self.ns["pid"] not in ns.chain():
                raise fail(errno.EINVAL, "only one's own pid namespace or one below it")
            self.child_ns["pid"] = ns
        else:
            self.ns[kind] = ns
            self.child_ns["time"] = self.ns["time"] if kind == "time" else self.child_ns["time"]

    # ---- users ----------------------------------------------------------------------------

    def map_ids(self, target: Process, *extents: tuple[int, int, int]) -> None:
        """Write /proc/PID/uid_map: (uid inside, uid in the parent namespace, count) each."""
        user, mine = target.ns.get("user"), self.ns["user"]
        if target.state != "running" or user is None:
            raise fail(errno.ESRCH, "the process is gone")
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

    # ---- life and death -------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The process's number in its own pid namespace."""
        return self.pids[self.ns["pid"]] if "pid" in self.ns else 0

    def getppid(self) -> int:
        """The parent's number as seen here; 0 if the parent is outside."""
        return self.parent.pids.get(self.ns["pid"], 0) if self.parent else 0

    def kill(self, pid: int, signal: int) -> None:
        """kill(2) with 0, SIGTERM or SIGKILL, to a number of the caller's pid namespace."""
        target = self.ns["pid"].processes.get(pid)
        if target is None:
            raise fail(errno.ESRCH, "no such process in this pid namespace")
        if self.kuid != target.kuid:
            self.need(target.user_ns, "KILL")
        target_ns = list(target.pids)[-1]
        if target_ns.init is target:  # an init takes only SIGKILL, and only from outside
            if signal != SIGKILL or self.ns["pid"] is target_ns or target_ns.parent is None:
                return
        if signal and target.state == "running":
            target._die(signal)

    def exit(self, code: int = 0) -> None:
        """_exit(2)."""
        self._die(code << 8)

    def _die(self, status: int) -> None:
        """Become a zombie; an init takes its whole pid namespace along (pid_namespaces(7))."""
        if self.state != "running":
            return
        pid_ns, old = self.ns["pid"], self.ns["mnt"]
        self.state, self.status = "exiting", status
        self.user_ns_at_death = self.ns["user"]
        self.ns, self.sockets, self.handles, self.held = {}, [], [], 0
        self._forget(old)
        reaper = pid_ns.init
        if reaper is self:
            pid_ns.dead = True
            for other in list(pid_ns.processes.values()):
                other._die(SIGKILL)
        for child in self.children:
            child.parent = reaper
            if reaper is not self:
                reaper.children.append(child)
            elif child.state == "zombie":
                child._release()
        if reaper is not self or len(pid_ns.processes) == 1:
            self._finish()

    def _finish(self) -> None:
        """Tell the parent; a dying init does not wait for anyone: its children just vanish."""
        self.state = "zombie"
        if self.parent is None or self.parent.state != "running":
            self._release()

    def _release(self) -> None:
        """Reaped: the numbers are free again; an init that waited for this can finish."""
        self.state = "dead"
        if self.parent and self in self.parent.children:
            self.parent.children.remove(self)
        for ns, pid in self.pids.items():
            ns.processes.pop(pid, None)
            init = ns.init
            if init and init is not self and init.state == "exiting":
                if list(ns.processes.values()) == [init]:
                    init._finish()

    def trace(self, pid: int) -> None:
        """ptrace(2) attach, let go at once."""
        target = self.ns["pid"].processes.get(pid)
        if target is None:
            raise fail(errno.ESRCH, "no such process in this pid namespace")
        if not self.may_access(target):
            raise fail(errno.EPERM, "not the same user, or it has more capabilities")

    def uid_of(self, pid: int) -> int:
        """How the owner of a process is called here."""
        uid = self.user_ns.from_kernel(self.ns["pid"].processes[pid].kuid)
        return NOBODY if uid is None else uid

    def wait(self) -> tuple[int, int] | None:
        """waitpid(-1, WNOHANG): (pid, status) of a zombie child, None if none is there yet."""
        if not self.children:
            raise fail(errno.ECHILD, "no children")
        for child in self.children:
            if child.state == "zombie":
                child._release()
                return child.pids[self.ns["pid"]], child.status
        return None

    def wait_dead(self, seconds: float = 0) -> bool:
        """Has the process ended? (Here nothing takes time.)"""
        return self.state != "running"

    @property
    def user_ns(self) -> UserNamespace:
        """The user namespace, also of a zombie."""
        return self.ns["user"] if self.ns else self.user_ns_at_death

    # ---- hostnames, network, message queues -------------------------------------------------

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

    # ---- limits ---------------------------------------------------------------------------

    def _members(self, group: Cgroup) -> list[Process]:
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

    # ---- what it sees -----------------------------------------------------------------------

    def view(self) -> dict[str, Any]:
        """All that the process can see of the machine; the real backend gives the same keys."""
        user, pid_ns = self.ns["user"], self.ns["pid"]
        inside = user.from_kernel(self.kuid)
        return {
            "pid": self.pid, "ppid": self.getppid(), "pids": tuple(self.pids.values()),
            "uid": NOBODY if inside is None else inside, "caps": tuple(sorted(self.caps)),
            "uid_map": self._map_as_seen(user), "hostname": self.ns["uts"].hostname,
            "links": tuple(sorted(self.ns["net"].links)),
            "queues": tuple(sorted(self.ns["ipc"].queues)),
            "processes": tuple(sorted(pid_ns.processes)), "mounts": self.mountinfo(),
            "ns": {kind: id(ns) for kind, ns in self.ns.items()}
            | {f"{kind}_for_children": "" if kind == "pid" and ns.init is None else id(ns)
               for kind, ns in self.child_ns.items()},
        }

    def _map_as_seen(self, user: UserNamespace) -> tuple[tuple[int, int, int], ...]:
        above = user.parent or UserNamespace(None, uid_map=[(0, 0, 2**32 - 1)])
        return tuple((a, above.from_kernel(b) or 0, n) for a, b, n in sorted(user.uid_map))


def overlapping(extents: tuple[tuple[int, int, int], ...]) -> bool:
    """Do two extents share an id, inside or outside?"""
    return any(a[side] < b[side] + b[2] and b[side] < a[side] + a[2]
               for a, b in itertools.combinations(extents, 2) for side in (0, 1))
