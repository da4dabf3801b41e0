"""Exercise 15.2: a container's root, by system calls in the right order.

The learner's function gets a process of the model kernel in namespaces of its own and makes its
root. The calls that it makes are noted; the judge repeats them on a kernel of its own and looks at
both sides: what the container can reach, and what happened to the host.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.containers.experiments import outcome as errno_of
from minihv.containers.model import Kernel, Process
from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble

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
        """A fresh host with the image on it, and a process in namespaces of its own."""
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

    @property
    def merged(self) -> dict[str, str]:
        """What /etc of the container holds: the topmost layer that has a name wins."""
        seen: dict[str, str] = {}
        for layer in self.layers:
            seen |= self.files[layer]
        return seen


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


def make(rng: Random) -> list[Task]:
    """Three hosts; two of them share their mounts, as most Linux systems do."""
    return [_task(rng, layers, shared) for layers, shared in ((2, True), (3, True), (4, False))]


def _task(rng: Random, count: int, shared: bool) -> Task:
    layers = tuple(f"/image/{rng.choice('abcdefgh')}{n}" for n in rng.sample(range(10, 99), count))
    files: dict[str, dict[str, str]] = {layer: {"motd": f"from {layer}"} for layer in layers}
    for n, layer in enumerate(layers):
        files[layer][f"only{n}"] = f"{rng.randrange(1000)}"
    return Task(layers, files, tuple(f"/data{n}" for n in range(rng.randrange(1, 3))), shared)


def play(tasks: list[Task]) -> Task:
    """What `instance` shows."""
    return tasks[0]


def ask(tasks: list[Task]) -> list:
    """The hosts, as plain data."""
    return [[list(t.layers), t.files, list(t.mounts), t.shared] for t in tasks]


def put(call: Any, answers: Any, asked: Any) -> list:
    """For each host the calls that the learner's function made."""
    def recorded(layers: list[str], files: Any, mounts: list[str], shared: bool) -> list:
        _, process = Task(tuple(layers), files, tuple(mounts), shared).start()
        recorder = Recorder(process)
        answers[0](recorder, layers)
        return recorder.calls

    return [call(recorded, *one) if callable(answers[0]) else call(answers[0]) for one in asked]


def judge(outcomes: list, tasks: list[Task]) -> Verdict:
    """Repeat the calls on a fresh host, and look."""
    if len(outcomes) != len(tasks):
        return wrong("handback")
    counts = []
    for number, (outcome, task) in enumerate(zip(outcomes, tasks, strict=True), 1):
        bad = trouble(outcome)
        if bad is not None:
            known = bad.key in ("error", "odd")
            facts = {"number": number, "mounts": "shared" if task.shared else "private"}
            return wrong(f"{bad.key}_at", **bad.values, **facts) if known else bad
        kernel, box = task.start()
        before = kernel.init.view()["mounts"]
        if not _repeat(outcome[1], box):
            return wrong("handback")
        verdict = _look(task, kernel, box, before)
        if verdict is not None:
            verdict.values["number"] = number
            return verdict
        counts.append(len(outcome[1]))
    return Verdict(True, "passed", {"count": max(counts)})


def _repeat(calls: Any, box: Process) -> bool:
    """Make the noted calls; False if they are no such list."""
    if type(calls) is not list or len(calls) > MOST:
        return False
    for one in calls:
        if type(one) is not list or not one or one[0] not in CALLS:
            return False
        if any(type(a) is not str and a is not None for a in one[1:]):
            return False
        try:
            getattr(box, one[0])(*one[1:])
        except (OSError, TypeError, KeyError, ValueError, AttributeError, AssertionError):
            return False
    return True


def _look(task: Task, kernel: Kernel, box: Process, before: Any) -> Verdict | None:
    """The first thing that is wrong with a container, or None."""
    leaked = [row[2] for row in kernel.init.view()["mounts"] if row not in before]
    if leaked:
        return wrong("host_leak", path=leaked[0])
    if len(kernel.init.view()["mounts"]) < len(before):
        return wrong("host_loses")
    mounts = box.view()["mounts"]
    if errno_of(lambda: box.listdir("/etc")) != "ok":
        return wrong("no_root", entries=", ".join(box.listdir("/")))
    host_has = {id(m.fs) for m in kernel.init.root.mount.walk()}
    paths = {m.number: id(m.fs) for m in box.root.mount.walk()}
    old = [row[2] for row in mounts if paths[row[0]] in host_has]
    if old and [row[3] for row in mounts if row[2] in old] != ["proc"]:
        return wrong("old_root", path=old[0])
    if not any(row[2] == "/proc" and row[3] == "proc" for row in mounts):
        return wrong("no_proc")
    numbers = box.listdir("/proc")
    if numbers != ["1"]:
        return wrong("host_proc", numbers=", ".join(numbers))
    return _files(task, kernel, box) or _escape(box)


def _files(task: Task, kernel: Kernel, box: Process) -> Verdict | None:
    """Layers in order, and written on a copy."""
    for name, text in task.merged.items():
        got = box.read(f"/etc/{name}") if name in box.listdir("/etc") else "nothing"
        if got != text:
            return wrong("merged", name=name, expected=text, got=got)
    said = errno_of(lambda: box.write("/etc/motd", "changed"))
    if said != "ok":
        return wrong("read_only", said=said)
    for layer in task.layers:
        if kernel.init.read(f"{layer}/etc/motd") != task.files[layer]["motd"]:
            return wrong("layer_written", layer=layer)
    return None


def _escape(box: Process) -> Verdict | None:
    """Where the process stands, then the way out of a chroot."""
    if box.cwd.reached_from(box.root) is None:
        return wrong("stands_outside")
    with contextlib.suppress(OSError):
        box.mkdir("/deeper")
        box.chroot("/deeper")
        for _ in range(6):
            box.chdir("..")
        box.chroot(".")
        if errno_of(lambda: box.read(SECRET)) == "ok":
            return wrong("escaped")
    return None


def counterpart() -> Any:
    """The package's own version of the heart of it."""
    from minihv.containers import steps

    return steps.build
