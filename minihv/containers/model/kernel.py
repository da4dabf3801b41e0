"""A machine of the model: its first process, and what processes share."""

from __future__ import annotations

from typing import Any

from minihv.containers.model.mounting import MountNamespace
from minihv.containers.model.mounts import Mount, Place
from minihv.containers.model.pids import PidNamespace
from minihv.containers.model.process import Process
from minihv.containers.model.resources import (
    Cgroup,
    CgroupNamespace,
    IpcNamespace,
    NetNamespace,
    TimeNamespace,
    UtsNamespace,
)
from minihv.containers.model.tree import FileSystem, Node
from minihv.containers.model.users import CAPS, UserNamespace

# The kinds that one call makes; user and mount namespaces come with an owner and a tree.
PLAIN = (UtsNamespace, IpcNamespace, PidNamespace, CgroupNamespace, NetNamespace, TimeNamespace)


class Kernel:
    """One machine. `contained`: its first user namespace is itself a child of another (as the
    test's is), so that nobody in here has power over the hardware."""

    def __init__(self, uid_map: list[tuple[int, int, int]] | None = None, contained: bool = False,
                 dirs: tuple[str, ...] = (), why: str = ""):
        self.contained = False
        self.backend = "the model" + (f", because {why}" if why else "")
        host = UserNamespace(None, uid_map=uid_map or [(0, 0, 2**32 - 1)])
        ns: dict[str, Any] = {kind.kind: kind(host) for kind in PLAIN} | {"user": host}
        self.cgroup = Cgroup("/")
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
        """Return a new /proc for a pid namespace (since Linux 5.8 each mount is one of its own)."""
        fs = FileSystem("proc", "proc", pid_ns.user_ns, Node(""))
        fs.root.add("self")
        fs.root.add("sys").add("vm").add("swappiness", "file", data="60")
        self.proc[fs.root] = pid_ns
        return fs

    def limit(self, process: Process, **limits: float) -> None:
        """Give a process a new cgroup with limits (pids, memory in bytes, cpus, shares)."""
        process.cgroup = Cgroup(f"c{process.pid}", process.cgroup, **limits)

    def burn(self, busy: list[Process], seconds: float) -> list[float]:
        """Return the CPU seconds of busy loops on one CPU. Groups of limit(), and each process
        outside, share it by weight, but no more than their quota; inside, all get the same."""
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
        """Return all processes that are not reaped yet, oldest first."""
        return list(self.init.ns["pid"].processes.values())
