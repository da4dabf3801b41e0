"""Containers for a program or a notebook: `run("busybox", ["sh", "-c", "..."])`.

A notebook kernel has threads, and a process with threads may not make a user namespace; so one
helper process (service.py) starts the containers and ends them all when this process ends.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
from typing import Any

from minihv.containers.images import ContainerError, Store
from minihv.containers.linux.interpreter import start_helper
from minihv.containers.linux.runtime.first import Spec
from minihv.containers.linux.runtime.spec import make_spec
from minihv.containers.linux.runtime.tail import Tail
from minihv.containers.linux.wire import request


class Session:
    """One helper and the containers that it runs."""

    def __init__(self, store: Store | None = None):
        self.store = store or Store()
        self.process, self.sock = start_helper("runtime.service")
        self.sock.settimeout(60)
        self.live: dict[str, Container] = {}
        atexit.register(self.close)

    def run(self, image: str, cmd: list[str] | None = None, stdout: int | None = None,
            stdin: int | None = None, **options: Any) -> Container:
        """Start a container (options: see make_spec); its output goes to its log, or to the
        descriptor `stdout`; it reads nothing, or from the descriptor `stdin`."""
        spec = make_spec(self.store, self.store.find(image), cmd, remove=True, **options)
        return self.start(spec, stdout, stdin)

    def start(self, spec: Spec, stdout: int | None = None, stdin: int | None = None) -> Container:
        """Start a container as `run` does, from its spec."""
        log = Tail()
        null = nothing()
        try:
            facts, fds = request(self.sock, "boot", (spec,),
                                 [null if stdin is None else stdin,
                                  log.writer if stdout is None else stdout, log.writer])
        except OSError as error:
            raise ContainerError(f"cannot start a container: {error.strerror or error}") from error
        finally:
            os.close(null)
            log.close_writer()
            log.follow()  # only now: its start would delay the container's
        box = Container(self, spec, facts, fds[0], log)
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


def nothing() -> int:
    """Return a descriptor on which nothing comes. Not /dev/null: root inside could change the mode
    of the host's."""
    reader, writer = os.pipe()
    os.close(writer)
    return reader


class Container:
    """A started container."""

    def __init__(self, session: Session, spec: dict[str, Any], facts: dict[str, Any], pidfd: int,
                 log: Tail):
        self.session, self.spec, self.pidfd, self.log = session, spec, pidfd, log
        self.id, self.pid, self.limits = spec["id"], facts["pid"], facts["limits"]
        self.status: int | None = None

    def wait(self, seconds: float | None = None) -> int:
        """Wait for the command to end; return its exit status, 128 + n if signal n killed it."""
        if self.status is None:
            if not select.select([self.pidfd], [], [], seconds)[0]:
                raise TimeoutError(f"container {self.id} still runs")
            self.status = request(self.session.sock, "finish", (self.id,))[0]
        assert self.status is not None
        return self.status

    def kill(self, number: int = 9) -> None:
        """Send a signal to its first process, by default SIGKILL (a name that Windows lacks)."""
        signal.pidfd_send_signal(self.pidfd, number)

    def output(self) -> str:
        """Return what it has written so far; of very much, the last part (tail.KEPT bytes)."""
        return self.log.text()

    def exec(self, cmd: list[str]) -> tuple[int, str]:
        """Run a further command inside; return (exit status, output: its last part)."""
        out = Tail()
        out.follow()
        null = nothing()
        try:
            fds = [null, out.writer, out.writer]
            code = request(self.session.sock, "enter", (self.id, cmd), fds)[0]
            return code, out.text()
        finally:
            os.close(null)
            out.close_writer()

    def memory(self) -> int:
        """Return the bytes that its cgroup is charged for now (0 without a memory limit)."""
        return int(request(self.session.sock, "memory", (self.id,))[0])

    def close(self) -> None:
        """Kill it if it runs; what it wrote is gone with it."""
        if self.id in self.session.live:
            if self.status is None:
                self.kill()
                self.wait()
            del self.session.live[self.id]
            os.close(self.pidfd)
