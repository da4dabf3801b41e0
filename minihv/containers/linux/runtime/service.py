"""The helper of a Session: starts containers on request. Standard library only, kept small, since
every container begins as a copy of it."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from typing import Any

from minihv.containers.linux import syscalls as sc
from minihv.containers.linux.runtime.first import Spec, enter, exit_code
from minihv.containers.linux.runtime.records import Running
from minihv.containers.linux.runtime.starting import Seed, key_of, start
from minihv.containers.linux.wire import serve


class Service:
    """What a Session can ask for."""

    def __init__(self) -> None:
        self.fds: list[int] = []
        self.running: dict[str, Running] = {}
        self.seed: Seed | None = None
        self.last: Spec = {}

    def idle(self) -> None:
        """After each reply (unless $MINIHV_NO_SEED): a seed for the next one like the last."""
        if self.last and self.seed is None and "MINIHV_NO_SEED" not in os.environ:
            self.seed = Seed(self.last)

    def boot(self, spec: Spec) -> tuple[dict[str, Any], list[int]]:
        """Start a container; return its record, and a descriptor on its first process."""
        seed, self.seed, self.last = self.seed, None, spec
        if seed and seed.key != key_of(spec):
            seed.discard()
            seed = None
        running = start(spec, (self.fds[0], self.fds[1], self.fds[2]), seed, known=False)
        self.running[spec["id"]] = running
        return {"pid": running.command, "limits": running.limits.works}, [os.dup(running.pidfd)]

    def finish(self, identity: str) -> int:
        """Reap a container that has ended; return its exit status."""
        return self.running.pop(identity).finish()

    def enter(self, identity: str, cmd: list[str]) -> int:
        """Run a command inside; return its exit status."""
        spec = self.running[identity].spec
        pid = enter(spec, cmd, (self.fds[0], self.fds[1], self.fds[2]))
        return exit_code(os.waitpid(pid, 0)[1])

    def memory(self, identity: str) -> int:
        """Return the bytes charged to the container's cgroup."""
        return self.running[identity].limits.memory_used()

    def close(self) -> None:
        """End all that still run."""
        if self.seed:
            self.seed.discard()
        for running in self.running.values():
            signal.pidfd_send_signal(running.pidfd, signal.SIGKILL)
            running.finish()


def main() -> None:
    """The helper."""
    sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
    gc.disable()  # a collection in a child would copy every page of ours
    service = Service()
    try:
        serve(socket.socket(fileno=int(sys.argv[1])), service)
    finally:
        service.close()
