"""What is written where for a limit, in a tree of either version."""

from __future__ import annotations

from pathlib import Path

import pytest

from minihv.containers.linux import cgroups

ALL = {"pids": 8, "memory": 64 << 20, "cpus": 0.5, "shares": 512}
V1 = {"pids.max": "8", "memory.limit_in_bytes": "67108864", "cpu.cfs_quota_us": "50000",
      "cpu.shares": "512", "memory.memsw.limit_in_bytes": "67108864"}
V2 = {"pids.max": "8", "memory.max": "67108864", "cpu.max": "50000 100000", "cpu.weight": "50",
      "memory.swap.max": "0"}


@pytest.mark.parametrize("v2, files", [(False, V1), (True, V2)])
def test_each_limit_has_its_file(v2: bool, files: dict[str, str], tmp_path: Path,
                                 monkeypatch: pytest.MonkeyPatch) -> None:
    """The swap of the memory is limited too, or a hog would only become slow."""
    written: dict[str, str] = {}

    def write(path: str, text: str) -> bool:
        written[path.removeprefix(f"{tmp_path}/")] = text
        return True

    monkeypatch.setattr(cgroups, "own_group", lambda controller: (str(tmp_path), v2))
    monkeypatch.setattr(cgroups, "write", write)
    monkeypatch.setattr(cgroups, "read", lambda path: written[path.removeprefix(f"{tmp_path}/")])
    made = cgroups.Limits.make("box", **ALL)
    assert sorted(made.works) == sorted(ALL) and not made.missing
    there = {path.removeprefix("minihv-box/"): text for path, text in written.items()}
    wrong = ("memory.memsw.limit_in_bytes" if v2 else "memory.swap.max")
    assert files == {name: text for name, text in there.items()
                     if name not in (wrong, "cgroup.subtree_control")}
    made.remove()
    assert not list(tmp_path.iterdir())


def test_a_limit_that_does_not_stick_is_missing(tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "own_group", lambda controller: (str(tmp_path), True))
    monkeypatch.setattr(cgroups, "write", lambda path, text: True)
    monkeypatch.setattr(cgroups, "read", lambda path: "max")
    made = cgroups.Limits.make("box", pids=8)
    assert not made.works and "does not take 8" in made.missing["pids"]
    made.remove()
