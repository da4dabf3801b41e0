"""The probe reports what it tried; the chooser falls back to the model."""

from __future__ import annotations

import pytest

from minihv import containers
from minihv.containers import experiments, linux, model
from minihv.containers.linux import probe
from minihv.errors import ConfigError


def test_every_fact_has_a_detail() -> None:
    facts = probe.facts()
    assert {"limit on memory", "limit on pids", "limit on cpus", "world", "busybox"} <= {
        what for what, _, _ in facts}
    assert all(detail for _, _, detail in facts)


def test_a_refused_world_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> None:
        raise ConfigError("no namespaces here")

    monkeypatch.setattr(linux, "Kernel", refuse)
    worlds = [fact[1:] for fact in probe.facts() if "world" in fact[0]]
    assert worlds == [(False, "no namespaces here")] * 2


def test_the_chooser(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> None:
        raise ConfigError("no namespaces here")

    assert isinstance(containers.open_kernel("model"), model.Kernel)
    monkeypatch.setattr(linux, "Kernel", refuse)
    fallen = containers.open_kernel(user=None)
    assert isinstance(fallen, model.Kernel) and "no namespaces here" in fallen.backend
    with pytest.raises(ConfigError, match="no namespaces here"):
        containers.open_kernel("linux")
    with pytest.raises(ConfigError, match="nosuch"):
        containers.open_kernel("nosuch")


def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIHV_CONTAINERS", "model")
    kernel = containers.open_kernel(user=None)
    assert isinstance(kernel, model.Kernel) and kernel.backend == "the model"
    assert containers.try_session() == (None, "MINIHV_CONTAINERS asks for the model")
    monkeypatch.setenv("MINIHV_CONTAINERS", "nosuch")
    with pytest.raises(ConfigError, match="nosuch"):
        containers.open_kernel()


def test_a_world_that_fails_its_trial_is_not_taken() -> None:
    def refuse(kernel: object) -> None:
        raise OSError(1, "no overlay here")

    fallen = containers.open_kernel(user=None, dirs=("box",), trial=refuse)
    assert isinstance(fallen, model.Kernel) and "because" in fallen.backend
    experiments.layers_work(model.Kernel(dirs=("box",)))
