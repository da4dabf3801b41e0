"""Exercise 15.2: a container's root, by system calls in the right order.

The learner's function gets a process of the model kernel in namespaces of its own and makes its
root. The calls that it makes are noted; the judge repeats them on a kernel of its own and looks at
both sides: what the container can reach, and what happened to the host.
"""

from __future__ import annotations

import contextlib
from random import Random
from typing import Any

from minihv.chapters.ch15.beside.hosts import CALLS, MOST, SECRET, Task
from minihv.containers import steps
from minihv.containers.experiments import outcome as errno_of
from minihv.containers.model import Kernel, Process
from minihv.course.exercise import Exercise, Steps, Verdict, wrong
from minihv.course.verdicts import trouble


def make(rng: Random) -> list[Task]:
    """Return three hosts; two of them share their mounts, as most Linux systems do."""
    return [_task(rng, layers, shared) for layers, shared in ((2, True), (3, True), (4, False))]


def _task(rng: Random, count: int, shared: bool) -> Task:
    layers = tuple(f"/image/{rng.choice('abcdefgh')}{n}" for n in rng.sample(range(10, 99), count))
    files: dict[str, dict[str, str]] = {layer: {"motd": f"from {layer}"} for layer in layers}
    for n, layer in enumerate(layers):
        files[layer][f"only{n}"] = f"{rng.randrange(1000)}"
    return Task(layers, files, tuple(f"/data{n}" for n in range(rng.randrange(1, 3))), shared)


def merged(task: Task) -> dict[str, str]:
    """Return what /etc of the container holds: the topmost layer that has a name wins."""
    seen: dict[str, str] = {}
    for layer in task.layers:
        seen |= task.files[layer]
    return seen


def ask(tasks: list[Task]) -> list:
    """Return the hosts as plain data."""
    return [[list(t.layers), t.files, list(t.mounts), t.shared] for t in tasks]


def judge(outcomes: list, tasks: list[Task]) -> Verdict:
    """Repeat the calls on a fresh host, and look."""
    if len(outcomes) != len(tasks):
        return wrong("handback")
    counts = []
    for number, (outcome, task) in enumerate(zip(outcomes, tasks, strict=True), 1):
        bad = trouble(outcome, number=number, mounts="shared" if task.shared else "private")
        if bad is not None:
            return bad
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
    """Return the first thing that is wrong with a container, or None."""
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
    for name, text in merged(task).items():
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
    """Return what is wrong with where the process is, or with the way out of a chroot."""
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


EXERCISE = Exercise(
    id="15.2", minutes=40, difficulty=3, points=5, make=make,
    form=Steps(ask, judge),
    play=lambda tasks: tasks[0],
    counterpart=lambda: steps.build,  # the heart of it
)  # fmt: skip
