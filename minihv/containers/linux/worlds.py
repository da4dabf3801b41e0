"""The helper process outside the worlds: makes one at a time, with hard limits, and ends it."""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
from typing import Any

from minihv.containers import words
from minihv.containers.linux import cgroups
from minihv.containers.linux import syscalls as sc
from minihv.containers.linux.agent import Agent, pid_behind, spawn
from minihv.containers.linux.wire import serve

HARD: dict[str, float] = {"pids": 64, "memory": 512 << 20}


class Worlds:
    """The world that there is, and its limits."""

    def __init__(self) -> None:
        self.fds: list[int] = []
        self.limits = cgroups.Limits([])
        self.more: list[cgroups.Limits] = []
        self.world = 0

    def boot(self, user: bool, dirs: list[str]) -> tuple[dict[str, Any], list[int]]:
        """Make a world: ({pid, uid_map, limits}, [pidfd, socket]) of its init."""
        cgroups.sweep()
        self.limits = cgroups.Limits.make(f"world-{os.getpid()}", **HARD)

        def live(sock: socket.socket) -> None:
            sock.recv(1)  # comes when the limits hold and the ids are mapped
            try:
                agent = build_world(dirs, user)
            except OSError as error:
                sock.send(f"{error.errno} {error.strerror}".encode())
                return
            sock.send(b"built")
            serve(sock, agent)

        pid, pidfd, ours = spawn([k for k in words.KINDS if user or k != "user"], live)
        self.world = pid
        self.limits.add(pid)
        uid_map = write_world_map(pid) if user else [[0, 0, 2**32 - 1]]
        ours.send(b"x")
        built, _, problem = ours.recv(1 << 10).decode().partition(" ")
        if problem:
            raise OSError(int(built), problem)
        return {"pid": pid, "uid_map": uid_map, "limits": self.limits.works}, [
            pidfd, ours.detach()]

    def limit(self, limits: dict[str, float]) -> dict[str, str]:
        """Give the pidfd's process a cgroup of its own, bounded in any case; return what misses."""
        with open(f"/proc/self/fdinfo/{self.fds[0]}") as f:
            pid = pid_behind(f.read())
        made = cgroups.Limits.make(f"world-{os.getpid()}-{pid}", **HARD | limits)
        made.add(pid)
        self.more.append(made)
        return made.missing

    def end(self) -> None:
        """End the world and remove what would stay behind."""
        if self.world:
            os.kill(self.world, signal.SIGKILL)
            os.waitpid(self.world, 0)
            self.world = 0
        for limits in [self.limits, *self.more]:
            limits.remove()
        self.more = []


def write_world_map(pid: int) -> list[list[int]]:
    """Map the world's ids and return the map: unused ones if we are root, else only our own."""
    first, count = words.SUBORDINATE if os.getuid() == 0 else (os.getuid(), 1)
    gid = first if os.getuid() == 0 else os.getgid()
    for name, text in (("uid_map", f"0 {first} {count}"), ("setgroups", "deny"),
                       ("gid_map", f"0 {gid} {count}")):
        with open(f"/proc/{pid}/{name}", "w") as f:
            f.write(text)
    return [[0, first, count]]


def build_world(dirs: list[str], user: bool) -> Agent:
    """Give the new namespaces an empty root, /proc, and hard limits; return their init's agent."""
    if user:
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        sc.prctl(sc.PR_SET_DUMPABLE, 1)
    sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.umask(0o022)
    for limit, value in ((resource.RLIMIT_NPROC, 64), (resource.RLIMIT_CPU, 120),
                         (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 256)):
        resource.setrlimit(limit, (value, value))
    sc.mount(None, "/", flags="rec private")
    sc.mount("root", "/tmp", "tmpfs", data="mode=755,size=16m,nr_inodes=4096")
    for name in ["old", "proc", *dirs]:
        os.mkdir(f"/tmp/{name}", 0o755)
    sc.mount("proc", "/tmp/proc", "proc")
    sc.pivot_root("/tmp", "/tmp/old")
    os.chdir("/")
    sc.umount("/old", "lazy")
    os.rmdir("/old")
    socket.sethostname("host")
    return Agent(sc.open_tree("/proc"))


def main() -> None:
    """The helper: serve the controller's socket, then leave nothing behind."""
    sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
    worlds = Worlds()
    try:
        serve(socket.socket(fileno=int(sys.argv[1])), worlds)
    finally:
        worlds.end()
