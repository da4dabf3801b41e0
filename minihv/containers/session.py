"""Containers for a program or a notebook: `run("busybox", ["sh", "-c", "..."])`.

A notebook kernel has threads, and a process with threads may not make a user namespace; so one
helper process (runtime.py) starts the containers and ends them all when this process ends.
"""

from __future__ import annotations

import atexit
import os
import select
import shutil
import signal
import site
import socket
import sysconfig
import uuid
from pathlib import Path
from typing import Any

from minihv.containers import agent, runtime, steps
from minihv.containers.images import ContainerError, Image, Store
from minihv.containers.linux import request, start_helper


def make_spec(store: Store, image: Image, cmd: list[str] | None = None, *, memory: int = 0,
              pids: int = 0, cpus: float = 0, shares: int = 0, net: str = "none",
              rootless: bool | None = None, hostname: str = "", name: str = "",
              without: tuple[str, ...] = (), binds: tuple[tuple[str, str], ...] = (),
              remove: bool = False) -> runtime.Spec:
    """All that the runner needs to know (memory in bytes, cpus in cores)."""
    unknown = set(without) - set(steps.DEFENCES)
    if unknown:
        raise ContainerError(f"no defence {', '.join(unknown)}; have {', '.join(steps.DEFENCES)}")
    if net not in ("none", "bridge", "host"):
        raise ContainerError(f"no network {net!r}: bridge or none")
    user = os.getuid() != 0 if rootless is None else rootless
    if net == "bridge" and os.getuid():
        raise ContainerError("--net bridge needs root, to make a bridge on the host; "
                             "use --net none, or sudo")
    identity = uuid.uuid4().hex[:12]
    wanted = {"memory": memory, "pids": pids, "cpus": cpus, "shares": shares}
    layers = [str(store.layer_path(d)) for d in reversed(image.layers)]
    return {
        "id": identity, "name": name or identity, "image": image.name, "lowers": layers,
        "folder": str(store.home / "containers" / identity), "cmd": cmd or image.cmd,
        "env": image.env, "cwd": image.cwd, "hostname": hostname or identity, "net": net,
        "user": user and "user" not in without, "without": list(without), "binds": list(binds),
        "limits": {k: v for k, v in wanted.items() if v}, "remove": remove,
        "site": [sysconfig.get_paths()["purelib"], *site.getsitepackages()],
    }


class Service:
    """The helper's side."""

    fds: list[int] = []

    def __init__(self) -> None:
        self.running: dict[str, runtime.Running] = {}

    def boot(self, spec: runtime.Spec) -> tuple[dict[str, Any], list[int]]:
        """Start a container: its record, and a descriptor on its first process."""
        running = runtime.start(spec, (self.fds[0], self.fds[1], self.fds[2]))
        self.running[spec["id"]] = running
        return {"pid": running.pid, "folder": spec["folder"],
                "limits": running.limits.works}, [os.dup(running.pidfd)]

    def finish(self, identity: str) -> int:
        """Reap an ended container: its exit status."""
        return self.running.pop(identity).finish()

    def enter(self, identity: str, cmd: list[str]) -> int:
        """Run a command inside; its exit status."""
        pid = runtime.enter(self.running[identity].spec, cmd, (self.fds[0], self.fds[1],
                                                               self.fds[2]))
        return runtime.exit_code(os.waitpid(pid, 0)[1])

    def memory(self, identity: str) -> int:
        """Bytes charged to the container's cgroup."""
        return self.running[identity].limits.memory_used()

    def close(self) -> None:
        """End all that still run."""
        for running in self.running.values():
            signal.pidfd_send_signal(running.pidfd, signal.SIGKILL)
            running.finish()


def main() -> None:
    """The helper."""
    import sys

    from minihv.containers import syscalls as sc

    sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
    service = Service()
    try:
        agent.serve(socket.socket(fileno=int(sys.argv[1])), service)
    finally:
        service.close()


class Session:
    """One helper and the containers that it runs."""

    def __init__(self, store: Store | None = None):
        self.store = store or Store()
        self.process, self.sock = start_helper("session")
        self.sock.settimeout(60)
        self.live: dict[str, Container] = {}
        atexit.register(self.close)

    def run(self, image: str, cmd: list[str] | None = None, **options: Any) -> Container:
        """Start a container (options: see make_spec); its output goes to its log."""
        spec = make_spec(self.store, self.store.find(image), cmd, **options)
        output = os.memfd_create("log")
        null = os.open(os.devnull, os.O_RDONLY)
        try:
            facts, fds = request(self.sock, "boot", (spec,), [null, output, output])
        except OSError as error:
            raise ContainerError(f"cannot start the container: {error}") from error
        finally:
            os.close(null)
        box = Container(self, spec, facts, fds[0], output)
        self.live[box.id] = box
        return box

    def close(self) -> None:
        """End all containers of this session."""
        if self.process.poll() is None:
            for box in list(self.live.values()):
                box.close()
            self.sock.close()
            self.process.wait(30)
        atexit.unregister(self.close)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Container:
    """A started container."""

    def __init__(self, session: Session, spec: runtime.Spec, facts: dict[str, Any], pidfd: int,
                 output: int):
        self.session, self.spec, self.pidfd, self.output_fd = session, spec, pidfd, output
        self.id, self.pid, self.limits = spec["id"], facts["pid"], facts["limits"]
        self.folder = Path(facts["folder"])
        self.status: int | None = None

    def wait(self, seconds: float | None = None) -> int:
        """Wait for the command to end: its exit status, 128 + n if signal n killed it."""
        if self.status is None:
            if not select.select([self.pidfd], [], [], seconds)[0]:
                raise TimeoutError(f"container {self.id} still runs")
            self.status = request(self.session.sock, "finish", (self.id,))[0]
        assert self.status is not None
        return self.status

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to its first process."""
        signal.pidfd_send_signal(self.pidfd, number)

    def output(self) -> str:
        """What it has written so far."""
        size = os.fstat(self.output_fd).st_size
        return os.pread(self.output_fd, size, 0).decode(errors="replace")

    def exec(self, cmd: list[str]) -> tuple[int, str]:
        """Run a further command inside: (exit status, output)."""
        out = os.memfd_create("exec")
        null = os.open(os.devnull, os.O_RDONLY)
        try:
            code = request(self.session.sock, "enter", (self.id, cmd), [null, out, out])[0]
            return code, os.pread(out, os.fstat(out).st_size, 0).decode(errors="replace")
        finally:
            os.close(null)
            os.close(out)

    def memory(self) -> int:
        """Bytes that its cgroup is charged for now (0 without a memory limit)."""
        return int(request(self.session.sock, "memory", (self.id,))[0])

    def close(self) -> None:
        """Kill it if it runs, and remove its folder."""
        if self.id in self.session.live:
            if self.status is None:
                self.kill()
                self.wait()
            del self.session.live[self.id]
            os.close(self.pidfd)
            os.close(self.output_fd)
            shutil.rmtree(self.folder, ignore_errors=True)
