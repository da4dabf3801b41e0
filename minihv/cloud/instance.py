"""One small service, an echo, in each form that a cloud sells: process, container, VM, microVM.

Whatever the form, an instance answers `ask(data)` with the same bytes, and all forms start through
one `Forms.start(name)`, so that a measurement cannot favour one of them.

    process     `cat` behind two pipes, started by this process
    container   the same `cat` in namespaces of its own, under a seccomp filter (minihv.containers)
    vm          the kernel labos and its program `serve` on a whole board, trap and emulate, shadow
                paging; each on a host of its own
    microvm     the same kernel and program on a console-only board, with hardware assistance, on
                a host that all share
    clone       a microvm restored from the snapshot of one that has answered already
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from minihv import guests
from minihv.cloud.micro import UNUSED, MicroVM, Snapshot, advise, clone, snapshot
from minihv.errors import ConfigError, MinihvError
from minihv.vmm.host import Host
from minihv.vmm.run import new_machine
from minihv.vmm.vm import VM

STEP = 1_000  # instructions that a guest runs between two looks at its console
MOST_STEPS = 10_000  # of these before a guest counts as dead
PATIENCE = 20.0  # seconds, with a process
VM_MEMORY = 64 << 20
COPY = "import os\nwhile data := os.read(0, 65536): os.write(1, data)"  # a `cat` in Python
MOST_MEMORY = 2 << 30  # of the host that microVMs share; what is not touched costs nothing


class ServiceError(MinihvError):
    """A service that does not answer."""


class Instance(Protocol):
    """A running service."""

    def ask(self, data: bytes) -> bytes:
        """Send a request, wait for the answer of the same length. ServiceError if none comes."""

    def pids(self) -> list[int]:
        """Return the processes that it has of its own."""

    def stop(self) -> None:
        """End it, and give back what it had."""


class Piped:
    """A service of the host's kernel, behind two pipes. `end` is what stops it."""

    def __init__(self, pid: int, to: int, back: int, end: Callable[[], object]):
        self.pid, self._to, self._back, self._end = pid, to, back, end
        self._ended = False

    def ask(self, data: bytes) -> bytes:
        """One write and, as a rule, one read here, and one of each there."""
        os.write(self._to, data)
        heard = b""
        while len(heard) < len(data):
            if not select.select([self._back], [], [], PATIENCE)[0]:
                raise ServiceError(f"process {self.pid} does not answer")
            part = os.read(self._back, 1 << 16)
            if not part:
                raise ServiceError(f"process {self.pid} has ended")
            heard += part
        return heard

    def pids(self) -> list[int]:
        """Its one process."""
        return [self.pid]

    def stop(self) -> None:
        """Close the pipes, end the process."""
        if not self._ended:
            self._ended = True
            os.close(self._to)
            os.close(self._back)
            self._end()


class Guest:
    """A service behind the console of a virtual machine, which runs while it is asked."""

    def __init__(self, vm: VM):
        self.vm = vm
        # A service that sleeps between requests has no hot code.
        vm.host.memory.translate_nothing()
        self._heard = bytearray()
        vm.console.sink = self._heard.extend

    def ask(self, data: bytes) -> bytes:
        """Run the guest until its console has said the last of it; earlier output is ignored."""
        vm, heard = self.vm, self._heard
        heard.clear()
        vm.feed(data)
        for _ in range(MOST_STEPS):
            stop = vm.run(STEP)
            if heard.endswith(data):
                return bytes(heard[-len(data):])
            if stop.reason not in ("budget", "input"):
                break
        raise ServiceError(f"the guest does not answer ({stop.reason}); it said "
                           f"{bytes(heard[-80:])!r}")

    def pids(self) -> list[int]:
        """None: it lives in this process."""
        return []

    def stop(self) -> None:
        """Give its memory and its page tables back to the host."""
        if self.vm.console.sink is not None:
            self.vm.console.sink = None
            self.vm.paging.drop()
            self.vm.host.take_back(self.vm.memory)
            advise(self.vm.memory.bytes, UNUSED)


class Forms:
    """Starts the service in any form; a context manager, which ends all that it started.

    mode, paging: of the microVMs, as `vmm.run.new_machine` names them.
    """

    NAMES = ("process", "container", "vm", "microvm", "clone")

    def __init__(self, mode: str = "hardware", paging: str | None = None):
        self.mode, self.paging = mode, paging
        self.running: list[Instance] = []
        self._made: dict[str, Any] = {}  # what instances share, made when first needed

    # --- the forms ----------------------------------------------------------------------------

    def start(self, form: str) -> Instance:
        """Start an instance; it may not be up before it answers. ConfigError for a form
        that there is not, or that this host does not allow (`why_not` tells why)."""
        if form not in self.NAMES:
            raise ConfigError(f"no form {form!r}: choose {', '.join(self.NAMES)}")
        reason = self.why_not(form)
        if reason:
            raise ConfigError(f"no {form} here: {reason}")
        instance: Instance = getattr(self, f"_{form}")()
        self.running.append(instance)
        return instance

    def why_not(self, form: str) -> str:
        """Return why this host cannot run the form, found by trying once; "" if it can."""
        if form not in ("process", "container"):
            return ""
        return self._shared(f"why not {form}", lambda: self._try(form))

    def _try(self, form: str) -> str:
        if not sys.platform.startswith("linux") and form == "container":
            return f"{sys.platform} is not Linux"
        if os.environ.get("MINIHV_CONTAINERS") == "model" and form == "container":
            return "MINIHV_CONTAINERS asks for the model, which runs no programs"
        try:
            trial: Instance = getattr(self, f"_{form}")()
            try:
                trial.ask(b"?\n")
            finally:
                trial.stop()
        except (MinihvError, OSError, AttributeError) as error:  # no posix_spawn on Windows
            return str(error).splitlines()[0]
        return ""

    def _process(self) -> Piped:
        path, argv = self.cat
        with _pipes() as (theirs_in, to, back, theirs_out):
            actions = [(os.POSIX_SPAWN_DUP2, theirs_in, 0), (os.POSIX_SPAWN_DUP2, theirs_out, 1)]
            pid = os.posix_spawn(path, argv, os.environ, file_actions=actions)
        return Piped(pid, to, back, lambda: _end_process(pid))

    def _container(self) -> Piped:
        with _pipes() as (theirs_in, to, back, theirs_out):
            box = self.session.run("busybox", ["cat"], theirs_out, theirs_in)
        return Piped(box.pid, to, back, box.close)

    def _vm(self) -> Guest:
        return Guest(VM(self._image(), memory=VM_MEMORY, append="run=serve"))

    def _microvm(self) -> Guest:
        return self.micro(self._image(), append="run=serve")

    def _clone(self) -> Guest:
        return self.clone(self._shared("snapshot", self._warm_snapshot))

    def micro(self, image: bytes, **options: Any) -> Guest:
        """Start any guest as a microVM on the shared host (options: those of MicroVM)."""
        return Guest(MicroVM(image, host=self.host, **self.layers(), **options))

    def clone(self, taken: Snapshot) -> Guest:
        """Start a snapshot as one more microVM on the shared host."""
        return Guest(clone(taken, host=self.host, **self.layers()))

    def layers(self) -> dict[str, Any]:
        """Return new layers (cpu, paging) for one microVM."""
        sample = self._shared("sample", lambda: new_machine(self.mode, self.paging, memory=1 << 16))
        return {"cpu": type(sample.cpu)(), "paging": type(sample.paging)()}

    # --- what they share ----------------------------------------------------------------------

    @property
    def host(self) -> Host:
        """The host of the microVMs."""
        return self._shared("host", lambda: Host(MOST_MEMORY))

    @property
    def session(self) -> Any:
        """The session that starts the containers; only if they can run here."""
        return self._shared("session", self._open_session)

    @property
    def cat(self) -> tuple[str, list[str]]:
        """The program of process and container: its path on this host, and its arguments."""
        return self._shared("cat", self._find_cat)

    def _shared(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def _image(self) -> bytes:
        return self._shared("image", guests.path("labos").read_bytes)

    def _warm_snapshot(self) -> Snapshot:
        guest = self._microvm()
        guest.ask(b"warm\n")
        taken = snapshot(guest.vm)
        guest.stop()
        return taken

    def _open_session(self) -> Any:
        from minihv.containers.linux.runtime.session import Session

        return Session()

    def _find_cat(self) -> tuple[str, list[str]]:
        """Return the container's own `cat`, so that both run the same code; else the host's."""
        if not self.why_not("container"):
            store = self.session.store
            layer = store.find("busybox").layers[0]
            return str(store.layer_path(layer) / "bin/busybox"), ["busybox", "cat"]
        from shutil import which

        found = which("cat")
        return (found, ["cat"]) if found else (sys.executable, [sys.executable, "-c", COPY])

    def close(self) -> None:
        """End all instances, and what they shared."""
        while self.running:
            self.running.pop().stop()
        session = self._made.pop("session", None)
        if session is not None:
            session.close()
        self._made.clear()

    def __enter__(self) -> Forms:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


@contextlib.contextmanager
def _pipes() -> Iterator[tuple[int, int, int, int]]:
    """Yield (service's stdin, ours to write, ours to read, service's stdout); close its own."""
    theirs_in, to = os.pipe()
    back, theirs_out = os.pipe()
    try:
        yield theirs_in, to, back, theirs_out
    except BaseException:
        os.close(to)
        os.close(back)
        raise
    finally:
        os.close(theirs_in)
        os.close(theirs_out)


def _end_process(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
