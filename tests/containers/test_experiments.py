"""The chapter's experiments: known results on the model, the same on the real kernel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from minihv.containers import experiments, linux, model, steps
from minihv.errors import ConfigError, MinihvError

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
    """Skip if the host grants no such limit."""
    try:
        kernel.limit(kernel.init.clone(), **limits)
    except MinihvError as error:
        pytest.skip(str(error))


def test_memory_hog(kernel: Any) -> None:
    needs_limits(kernel, memory=1 << 26)
    assert experiments.memory_hog(kernel) == {"hog": "killed", "neighbour": "running"}


def test_the_largest_of_a_full_group_is_killed(kernel: Any) -> None:
    needs_limits(kernel, memory=1 << 26)
    large = kernel.init.clone()
    kernel.limit(large, memory=1 << 26)
    small = large.clone()
    large.allocate(36 << 20)
    small.allocate(20 << 20)
    small.allocate(12 << 20)
    assert large.wait_dead(2) and small.state == "running"


def test_fork_bomb(kernel: Any) -> None:
    needs_limits(kernel, pids=20)
    assert experiments.fork_bomb(kernel) == {"children": 7, "then": "EAGAIN"}


def test_zombies_fill_a_container_whose_init_does_not_wait(kernel: Any) -> None:
    needs_limits(kernel, pids=20)
    assert experiments.orphans(kernel, True) == {"passed through": 9, "then": "ok"}
    assert experiments.orphans(kernel, False) == {"passed through": 3, "then": "EAGAIN"}


def test_a_service_keeps_its_share_only_in_a_group(kernel: Any) -> None:
    """How much exactly is up to a real scheduler; which of the two is more is not."""
    needs_limits(kernel, shares=100)
    alone, grouped = (experiments.beside_hogs(kernel, 4, g, 0.5) for g in (False, True))
    assert alone < grouped
    if isinstance(kernel, model.Kernel):
        assert alone == pytest.approx(1 / 5) and grouped == pytest.approx(1 / 2)


def test_cpu_share(kernel: Any) -> None:
    needs_limits(kernel, cpus=0.5, shares=100)
    seen = experiments.cpu_share(kernel, 0.5)
    assert seen["weight 2048"] > seen["weight 512"]


@pytest.mark.parametrize("probe", experiments.PROBES, ids=lambda p: p.__name__)
@pytest.mark.parametrize("defended", [True, False])
def test_probe(kernel: Any, probe: Callable[[Any, bool], bool], defended: bool) -> None:
    """Stopped by its defence, and only by that one."""
    assert probe(kernel, defended) is not defended


def test_an_init_heeds_only_sigkill_from_outside(kernel: Any) -> None:
    box = kernel.init.clone("pid")
    number = box.view()["pids"][0]
    kernel.init.kill(number, 15)
    assert not box.wait_dead(0.2) and box.view()["pid"] == 1
    kernel.init.kill(number, 9)
    assert box.wait_dead(2)


def test_to_enter_a_namespace_needs_rights_at_home_too(kernel: Any) -> None:
    """Whoever made a user namespace has all rights in it: not enough for setns(2)."""
    box, other = kernel.init.clone("user", "uts"), kernel.init.clone()
    other.drop("SYS_ADMIN")
    assert experiments.outcome(lambda: other.setns(box, "uts")) == "EPERM"
    assert experiments.outcome(lambda: kernel.init.clone().setns(box, "uts")) == "ok"


def test_to_enter_a_mount_namespace_needs_the_right_to_change_the_root(kernel: Any) -> None:
    """setns(2): CAP_SYS_CHROOT beside CAP_SYS_ADMIN, for the caller gets another root."""
    box, other = kernel.init.clone("mnt", "uts"), kernel.init.clone()
    other.drop("SYS_CHROOT")
    assert experiments.outcome(lambda: other.setns(box, "mnt")) == "EPERM"
    assert experiments.outcome(lambda: other.setns(box, "uts")) == "ok"
    assert experiments.outcome(lambda: kernel.init.clone().setns(box, "mnt")) == "ok"


def test_user_namespaces_nest_33_deep_below_the_initial_one() -> None:
    """As seen on Linux 6.18 (user_namespaces(7) says 32)."""
    process = model.Kernel().init.clone()
    for _ in range(33):
        process.unshare("user")
        process.map_ids(process, (0, 0, 1))
    assert experiments.outcome(lambda: process.unshare("user")) == "ENOSPC"


def test_a_world_has_hard_limits(kernel: Any) -> None:
    if isinstance(kernel, model.Kernel):
        pytest.skip("nothing real to limit")
    rows = kernel.init.read("/proc/self/limits").splitlines()
    soft = {row[:26].strip(): row[26:].split()[0] for row in rows}
    assert (soft["Max processes"], soft["Max open files"]) == ("64", "256")
    assert (soft["Max cpu time"], soft["Max core file size"]) == ("120", "0")


def test_the_host_keeps_its_shared_mounts() -> None:
    """One hangs in another: a container that unmounts them all must not tell the host."""
    kernel = model.Kernel(dirs=("box", "image", "shared"))
    host = kernel.init
    host.mount("a", "/shared", "tmpfs")
    host.mount(None, "/shared", "", "shared")
    host.mkdir("/shared/inner")
    host.mount("b", "/shared/inner", "tmpfs")
    before = host.view()["mounts"]
    box = host.clone("mnt", "pid", "uts")
    steps.prepare(box, "/box")
    steps.build(box, {"scratch": "/box", "without": (), "lowers": ["/image"], "hostname": "box"})
    assert host.view()["mounts"] == before


# ---- where they run ----------------------------------------------------------------------------


def test_a_run_says_where_it_ran_and_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    here = experiments.run(experiments.hostname)
    monkeypatch.setenv("MINIHV_CONTAINERS", "model")
    there = experiments.run(experiments.hostname)
    assert here.result == there.result and there.backend == "the model"
    assert here.backend.startswith(("Linux", "the model"))


def test_a_limit_that_the_host_refuses_is_shown_on_the_model(
        monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, process: Any, **limits: float) -> None:
        raise ConfigError("this host grants no such limit: pids")

    monkeypatch.setattr(linux.Kernel, "limit", refuse)
    ran = experiments.run(experiments.fork_bomb)
    assert ran.result == {"children": 7, "then": "EAGAIN"}
    assert ran.backend.startswith("the model, because")
