"""The chapter's experiments: known results on the model, the same on the real kernel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from minihv.containers import experiments, linux, model
from minihv.errors import MinihvError

Factory = Callable[[], Any]


@pytest.fixture(params=["model", "linux"])
def kernel(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A machine of each kind, with the folders that the experiments use."""
    if request.param == "model":
        yield model.Kernel(dirs=experiments.DIRS)
        return
    if os.getuid():
        pytest.skip("leaving out a user namespace needs root")
    try:
        world = linux.Kernel(user=False, dirs=experiments.DIRS)
    except MinihvError as error:
        pytest.skip(str(error))
    with world:
        yield world


def test_the_first_process_sees_only_its_own(kernel: Any) -> None:
    seen = experiments.first_process(kernel)
    assert seen["pid"] == seen["in its own /proc"] == 1
    assert seen["in the old /proc"] == 2 and seen["numbers, outermost first"] == (2, 1)


def test_hostname(kernel: Any) -> None:
    assert experiments.hostname(kernel) == {"host": "host", "box": "box"}


def test_propagation(kernel: Any) -> None:
    seen = {kind: tuple(both.values()) for kind, both in experiments.propagation(kernel).items()}
    assert seen == {"shared": (True, True), "slave": (True, False), "private": (False, False)}


def test_two_services_on_one_port(kernel: Any) -> None:
    assert tuple(experiments.one_port(kernel).values()) == ("EADDRINUSE", "ok")


def test_root_inside_is_nobody_outside(kernel: Any) -> None:
    assert experiments.root_is_nobody(kernel) == {
        "inside": 0, "outside": 1000, "its own hostname": "ok",
        "the host's network": "EPERM", "the host's files": "EACCES"}


def needs_limits(kernel: Any, **limits: float) -> None:
    """Skip where the host grants no such limit."""
    try:
        kernel.limit(kernel.init.clone(), **limits)
    except MinihvError as error:
        pytest.skip(str(error))


def test_memory_hog(kernel: Any) -> None:
    needs_limits(kernel, memory=1 << 26)
    assert experiments.memory_hog(kernel) == {"hog": "killed", "neighbour": "running"}


def test_fork_bomb(kernel: Any) -> None:
    needs_limits(kernel, pids=20)
    assert experiments.fork_bomb(kernel) == {"children": 7, "then": "EAGAIN"}


def test_cpu_share(kernel: Any) -> None:
    needs_limits(kernel, cpus=0.5, shares=100)
    seen = experiments.cpu_share(kernel, 0.5)
    assert seen["weight 2048"] > seen["weight 512"]


@pytest.mark.parametrize("probe", experiments.PROBES, ids=lambda p: p.__name__)
@pytest.mark.parametrize("defended", [True, False])
def test_probe(kernel: Any, probe: Callable[[Any, bool], bool], defended: bool) -> None:
    """Stopped by its defence, and only by that one."""
    assert probe(kernel, defended) is not defended
