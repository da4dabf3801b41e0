"""The paired measurement of containers: it runs, and its report keeps what others wrote."""

from __future__ import annotations

import os

import pytest

from minihv.containers.images import Store
from minihv.containers.linux.runtime.session import Session
from minihv.tools.bench import containers as bench
from minihv.tools.bench import merged
from tests.containers import measure


def test_contestants_take_turns_and_end(store: Store, session: Session) -> None:
    times = bench.start(store, rounds=2)
    assert all(len(pairs) == 2 and all(0 < a <= b for a, b in pairs) for pairs in times.values())
    assert {"fork + exec", "minihv, rootless"} <= set(times)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    table = "\n".join(bench._table(times))
    assert all(f"| {name} |" in table for name in times)


def test_many_live_at_once(store: Store, session: Session) -> None:
    crowd = bench.many(store, 5)
    assert crowd["alive"] == 5
    if crowd["charged"]:  # else it is what the whole host has left, which others change
        assert 0 < crowd["MiB each"] < 3  # 2 of them are its init, a Python


def test_what_a_start_costs_is_shown(store: Store, session: Session,
                                     monkeypatch: pytest.MonkeyPatch,
                                     capsys: pytest.CaptureFixture[str]) -> None:
    if os.getuid():
        pytest.skip("unshare(1) without a user namespace needs root")
    monkeypatch.setenv("MINIHV_HOME", str(store.home))
    measure.show_starts(store.home, 1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[0].count("1.0 ×") == 2


def test_a_host_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIHV_CONTAINERS", "model")
    assert "Not measured: MINIHV_CONTAINERS asks for the model." in bench.section(print)


def test_a_report_replaces_its_own_sections_only() -> None:
    old = "# Results\n\nhead\n\n## One\n\n1\n\n## By hand\n\nkept\n"
    new = merged(old, "## One\n\n2\n\n## Three\n\n3\n")
    assert new == ("# Results\n\nhead\n\n## One\n\n2\n\n## By hand\n\nkept\n\n"
                   "## Three\n\n3\n")
    assert merged(new, new) == new and merged("", "# R\n\n## A\n\na\n") == "# R\n\n## A\n\na\n"
