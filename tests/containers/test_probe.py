"""The probe reports what it tried; the chooser falls back to the model."""

from __future__ import annotations

import pytest

from minihv import containers
from minihv.containers import linux, model, probe
from minihv.errors import ConfigError


def test_every_fact_has_a_detail_and_a_remedy() -> None:
    facts = probe.facts()
    assert {"mnt namespace", "overlay root", "limit on pids", "throw-away world"} <= {
        fact.what for fact in facts}
    assert all(fact.detail and (fact.works or fact.remedy) for fact in facts)


def test_a_refused_call_is_reported() -> None:
    assert "Error" in probe.attempt("nosuch")


def test_the_chooser(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> None:
        raise ConfigError("no namespaces here")

    assert isinstance(containers.open_kernel("model"), model.Kernel)
    monkeypatch.setattr(linux, "Kernel", refuse)
    assert isinstance(containers.open_kernel(), model.Kernel)
    with pytest.raises(ConfigError, match="no namespaces here"):
        containers.open_kernel("linux")
    with pytest.raises(ConfigError, match="nosuch"):
        containers.open_kernel("nosuch")
