"""From a spec to a running container; of one that fails to start, nothing stays behind.

Runs in a single-threaded process: the command line itself, or a Session's helper. Standard library
only.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

from minihv.containers import steps, words
from minihv.containers.linux import cgroups, net
from minihv.containers.linux import syscalls as sc
from minihv.containers.linux.agent import spawn
from minihv.containers.linux.runtime.first import (
    RLIMITS,
    STARTED,
    Spec,
    first_process,
    start_time,
)
from minihv.containers.linux.runtime.records import Running, claim
from minihv.containers.linux.wire import send
from minihv.containers.linux.worlds import write_world_map


def start(spec: Spec, stdio: tuple[int, int, int], seed: Seed | None = None,
          known: bool = True) -> Running:  # fmt: skip
    """Make the namespaces (or take a seed's), build the container in them, run its command.

    known: to the other commands, by a record. A Session's container is its own only, and goes
    with it; it has one if there is something that a sweep must find.
    """
    folder = Path(spec["folder"])
    running = Running(spec, folder, -1)
    if known or spec["limits"] or spec["net"] == "bridge":
        folder.mkdir(mode=0o755, parents=True)
        running.lock = claim(folder) or -1
    try:
        Path(spec["scratch"]).mkdir(mode=0o755, parents=True, exist_ok=True)
        seed = seed or Seed(spec)  # first, for it prepares itself while we prepare the rest
        prepare(running)
        launch(running, stdio, seed)
    except BaseException:
        spec["remove"] = True
        if running.pid:
            os.kill(running.pid, signal.SIGKILL)
            running.finish()
        else:
            if seed:
                seed.discard()
            running.limits.remove()
            running.unlock()
        raise
    return running


def prepare(running: Running) -> None:
    """Folders and cgroups; each is named for the container, so that a sweep can find it."""
    spec, folder = running.spec, running.folder
    if not spec["remove"]:  # what it writes is to stay
        for name in ("upper", "work", "root"):
            (folder / name).mkdir(mode=0o755)
            spec[name] = str(folder / name)
            if spec["user"] and os.getuid() == 0:
                os.chown(folder / name, *[words.SUBORDINATE[0]] * 2)
    # volatile: no sync of the whole host file system when a container ends
    spec["options"] = ",volatile,userxattr" if spec["user"] else ",volatile"
    running.record(status="created", runner=os.getpid(), created=time.time())
    limits = {k: v for k, v in spec.get("limits", {}).items() if k not in spec["without"]}
    if "pids" in limits:
        limits["pids"] += 1  # for its init
    # One without a limit too, for what is in a group can be found and ended. A container that has
    # no record does without: the kernel ends a pid namespace with its init, and the init is waited
    # for only after all the others (pid_namespaces(7)); the init ends with its runner, for it never
    # changes its user after it has asked for its death signal.
    always = running.lock >= 0 or "pid_ns" in spec["without"]
    running.limits = cgroups.Limits.make(spec["id"], always, **limits)
    missing = running.limits.missing
    spec["rlimits"] = {k: limits[k] for k in missing if k in RLIMITS}
    for limit, reason in list(missing.items()):
        if limit in RLIMITS and os.getuid():
            running.limits.works[limit] = f"{RLIMITS[limit][1]} ({reason})"
        else:
            raise OSError(0, f"no limit on {limit}: {reason}")


class Seed:
    """A process in new namespaces that waits to be told which container it is to become. One may
    be kept ready, so that a start does not have to wait for the kernel to make them."""

    def __init__(self, spec: Spec):
        self.kinds, self.key = kinds_of(spec), key_of(spec)
        self.pid, self.pidfd, self.sock = spawn(self.kinds, lambda sock: first_process(sock, spec))
        if "user" in self.kinds:
            write_world_map(self.pid)
        self.sock.send(b"mapped")

    def discard(self) -> None:
        """It is not needed: it ends when its socket closes."""
        self.sock.close()
        os.waitpid(self.pid, 0)
        os.close(self.pidfd)


def kinds_of(spec: Spec) -> list[str]:
    """Return the kinds of namespaces that a container needs."""
    return steps.namespaces(spec["without"], spec["net"], spec["user"])


def key_of(spec: Spec) -> list[Any]:
    """Return what a container must share with a seed to grow from it."""
    return [kinds_of(spec), spec["without"], spec["scratch"], spec["user"], spec["net"]]


def launch(running: Running, stdio: tuple[int, int, int], seed: Seed) -> None:
    """Put the first process under its limits, tell it what to become, wait until it has exec'd."""
    spec = running.spec
    running.pid, running.pidfd = seed.pid, seed.pidfd
    running.limits.add(seed.pid)
    if spec["net"] == "bridge":
        running.veth = "mhv" + spec["id"][:8]
        sys.path.extend(p for p in spec["site"] if p not in sys.path)
        spec["address"] = net.attach(seed.pid, running.veth, int(spec["id"][:8], 16))
    with seed.sock as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        # Root opens them itself: who it becomes inside may not pass the folders above.
        trees = [sc.read_only_tree(source) for source, _ in spec["trees"] if os.getuid() == 0]
        send(sock, spec, [*stdio, *trees])
        for tree in trees:
            os.close(tree)
        problem, credentials, _, _ = sock.recvmsg(4096, socket.CMSG_SPACE(12))
        if problem == STARTED:
            running.command = struct.unpack("3i", credentials[0][2])[0]
            problem = sock.recv(4096)  # closed by exec: all went well
    if problem:
        code, _, text = problem.decode().partition(" ")
        raise OSError(int(code), text)
    running.record(status="running", pid=running.command, init=seed.pid, kinds=seed.kinds,
                   begun=start_time(seed.pid), dirs=running.limits.dirs,
                   limits=running.limits.works)
