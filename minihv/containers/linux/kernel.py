"""The same kernel API as the model's, on the real Linux kernel.

A Kernel is a throw-away world: a helper process (worlds.py) makes all eight namespaces at once,
with an empty root, no device, no way out by name and hard limits; its processes are agents
(agent.py) that make the system calls. Closing the Kernel, or the death of any process above, ends
it all.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any

from minihv.containers.linux.interpreter import start_helper
from minihv.containers.linux.wire import PATIENCE, request, send
from minihv.errors import ConfigError


class Process:
    """Handle on a process of the world. Its system calls are those of model.Process."""

    def __init__(self, kernel: Kernel, outer: int, pidfd: int, sock: socket.socket):
        self.kernel, self.outer, self.pidfd, self.sock = kernel, outer, pidfd, sock
        self.sock.settimeout(PATIENCE)
        self.pid_ns: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self.call, name)

    def call(self, name: str, *args: Any) -> Any:
        """Make one system call in that process."""
        return request(self.sock, name, args)[0]

    @property
    def state(self) -> str:
        """running or dead (a zombie is dead here: it can make no call)."""
        return "dead" if select.select([self.pidfd], [], [], 0)[0] else "running"

    def wait_dead(self, seconds: float = PATIENCE) -> bool:
        """Wait until the process has ended."""
        return bool(select.select([self.pidfd], [], [], seconds)[0])

    def clone(self, *kinds: str) -> Process:
        """clone3(2) as fork."""
        outer, (pidfd, sock) = request(self.sock, "clone", kinds)
        child = Process(self.kernel, outer, pidfd, socket.socket(fileno=sock))
        self.kernel.all.append(child)
        here = child.call("view")["ns"]["pid"]
        child.pid_ns = [*(p for p in self.pid_ns if p != here), here]
        for other in self.kernel.all:  # entered by setns: the chain is that of a process there
            if here in other.pid_ns and other is not child:
                child.pid_ns = other.pid_ns[: other.pid_ns.index(here) + 1]
        return child

    def setns(self, target: Process, kind: str) -> None:
        """setns(2) with the target's pidfd."""
        request(self.sock, "setns", (kind,), [target.pidfd])

    def map_ids(self, target: Process, *extents: tuple[int, int, int]) -> None:
        """Write the target's uid map."""
        request(self.sock, "map_ids", (target.outer, *extents))

    def exit(self, code: int = 0) -> None:
        """_exit(2)."""
        with contextlib.suppress(ConnectionResetError):
            request(self.sock, "exit", (code,))
        self.wait_dead()

    def view(self, tasks: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return all that the process sees, with the keys of model.Process.view."""
        seen = self.call("view")
        tasks = tasks or self.kernel.init.call("tasks")
        here = self.pid_ns[-1]
        seen["processes"] = sorted(
            tasks[str(p.outer)][1][p.pid_ns.index(here)] for p in self.kernel.all
            if here in p.pid_ns and str(p.outer) in tasks)
        return freeze(seen)

    def close(self) -> None:
        """Let go of the descriptors; the process ends when it notices."""
        self.sock.close()
        os.close(self.pidfd)


def freeze(value: Any) -> Any:
    """Return lists as tuples, so that views compare equal to the model's."""
    if isinstance(value, list):
        return tuple(freeze(v) for v in value)
    return {k: freeze(v) for k, v in value.items()} if isinstance(value, dict) else value


class Helper:
    """The single-threaded process outside the worlds; one can make many worlds in turn."""

    def __init__(self) -> None:
        self.process, self.sock = start_helper("worlds")

    def close(self) -> None:
        """It ends when its socket closes; if that takes long, it is killed."""
        self.sock.close()
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        self.process.kill()
        self.process.wait()


class Kernel:
    """A world on the real kernel; a context manager. `init` is its first process."""

    def __init__(self, user: bool = True, dirs: tuple[str, ...] = (),
                 helper: Helper | None = None):
        self.backend = f"Linux {os.uname().release}" + (", in a user namespace" if user else "")
        self.own = None if helper else Helper()
        self.helper = helper or self.own
        assert self.helper is not None
        self.all: list[Process] = []
        try:
            facts, (pidfd, sock) = request(self.helper.sock, "boot", (user, dirs))
            self.init = Process(self, 1, pidfd, socket.socket(fileno=sock))
            self.all.append(self.init)
            self.init.pid_ns = [self.init.call("view")["ns"]["pid"]]
        except OSError as error:
            self.close()
            why = "" if user else " to anyone but root"
            raise ConfigError(f"this host does not allow such a world{why} ({error.strerror}); "
                              "use the model, or run as root") from error
        self.uid_map = [tuple(e) for e in facts["uid_map"]]
        self.limits: dict[str, str] = facts["limits"]

    def limit(self, process: Process, **limits: float) -> None:
        """A cgroup for a process, with limits (pids, memory in bytes, cpus, shares)."""
        assert self.helper is not None
        missing, _ = request(self.helper.sock, "limit", (limits,), [process.pidfd])
        if refused := {k: v for k, v in missing.items() if k in limits or k == "all"}:
            raise ConfigError(f"this host grants no such limit: {refused}")

    def burn(self, busy: list[Process], seconds: float) -> list[float]:
        """Return the CPU seconds that busy loops get, all on one CPU."""
        end = time.monotonic() + seconds
        for process in busy:
            send(process.sock, {"call": "burn", "args": [end]}, [])
        return [json.loads(p.sock.recv(1 << 16))["ok"] for p in busy]

    def close(self) -> None:
        """End the world: its init dies and all in it; the helper removes the limits."""
        for process in self.all[:1]:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(process.pidfd, signal.SIGKILL)
            process.wait_dead()
        for process in self.all:
            process.close()
        self.all = []
        assert self.helper is not None
        if self.own:
            self.own.close()
        else:
            request(self.helper.sock, "end", ())

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
