"""Exercise 15.2's hosts, and a process whose system calls are noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from minihv.containers.model import Kernel, Process

CALLS = ("mount", "umount", "pivot_root", "chroot", "chdir", "mkdir", "write", "read", "listdir",
         "sethostname", "unshare")
MOST = 500  # calls
KINDS = ("uts", "pid", "mnt", "ipc", "net", "cgroup")
SECRET = "/decoy/secret"


@dataclass(frozen=True)
class Task:
    """One host: the layers of the image (bottom first) with their files, and its own mounts."""

    layers: tuple[str, ...]
    files: dict[str, dict[str, str]]
    mounts: tuple[str, ...]
    shared: bool

    def start(self) -> tuple[Kernel, Process]:
        """Return a fresh host with the image on it, and a process in namespaces of its own."""
        kernel = Kernel(dirs=("box", "decoy", "image", *(m.strip("/") for m in self.mounts)))
        host = kernel.init
        host.write(SECRET, "the host's")
        for layer in self.layers:
            host.mkdir(layer)
            host.mkdir(f"{layer}/proc")
            host.mkdir(f"{layer}/etc")
            for name, text in self.files[layer].items():
                host.write(f"{layer}/etc/{name}", text)
        for path in self.mounts:
            host.mount("disk", path, "tmpfs")
        if self.shared:
            host.mount(None, "/", "", "rec shared")
        host.clone()
        return kernel, host.clone(*KINDS)


class Recorder:
    """Passes system calls on to a process of the model and notes those that succeeded."""

    def __init__(self, process: Process):
        self._process, self.calls = process, []  # type: ignore[var-annotated]

    def __getattr__(self, name: str) -> Any:
        if name not in CALLS:
            raise AttributeError(f"no system call {name!r} here; there are {', '.join(CALLS)}")

        def call(*arguments: Any) -> Any:
            if len(self.calls) >= MOST:
                raise RuntimeError(f"more than {MOST} system calls")
            result = getattr(self._process, name)(*arguments)
            self.calls.append([name, *arguments])
            return result
        return call


def recorded(call: Callable[..., list], answers: Sequence[Any], asked: Any) -> list:
    """Return for each host the calls that the learner's function made."""

    def record(layers: list[str], files: Any, mounts: list[str], shared: bool) -> list:
        _, process = Task(tuple(layers), files, tuple(mounts), shared).start()
        recorder = Recorder(process)
        answers[0](recorder, layers)
        return recorder.calls

    return [call(record, *one) if callable(answers[0]) else call(answers[0]) for one in asked]
