"""The probe reports what it tried; the chooser falls back to the model."""

from __future__ import annotations

import pytest

from minihv import containers
from minihv.containers import linux, model, probe, session
from minihv.errors import ConfigError


def test_every_fact_has_a_detail() -> None:
    facts = probe.facts()
    assert {"limit on memory", "limit on pids", "limit on cpus", "world", "busybox"} <= {
        fact.what for fact in facts}
    assert all(fact.detail for fact in facts)


def test_a_refused_world_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> None:
        raise ConfigError("no namespaces here")

    monkeypatch.setattr(linux, "Kernel", refuse)
    worlds = [fact for fact in probe.facts() if "world" in fact.what]
    assert [(fact.works, fact.detail) for fact in worlds] == [(False, "no namespaces here")] * 2


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
    assert session.try_session() == (None, "MINIHV_CONTAINERS asks for the model")
    monkeypatch.setenv("MINIHV_CONTAINERS", "nosuch")
    with pytest.raises(ConfigError, match="nosuch"):
        containers.open_kernel()
