"""A host that has compiled nothing yet: nobody is blamed for the time that takes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minihv.hw import engine, warmup
from tests.tiers import TIER

ROOT = Path(__file__).parents[2]


def test_what_is_newer_than_the_sources_is_not_compiled_again(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls: list[object] = []
    monkeypatch.setattr(engine, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(warmup, "warm", calls.append)
    warmup.make_sure(lambda: None)
    assert len(calls) == 1
    compiled = tmp_path / "__pycache__" / "machine_0.run.nbi"
    compiled.parent.mkdir()
    compiled.touch()
    warmup.make_sure(lambda: None)
    assert len(calls) == 1
    os.utime(compiled, (0, 0))
    warmup.make_sure(lambda: None)
    assert len(calls) == 2


@pytest.mark.skipif(TIER == "small", reason="compiles the machine anew: FULL=1")
def test_right_answers_are_right_with_nothing_compiled(tmp_path: Path):
    env = os.environ | {"MINIHV_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    env.pop("MINIHV_PATIENCE", None)
    done = subprocess.run(
        [sys.executable, "-m", "minihv", "check", "--unsafe", "solutions/01_the_machine.ipynb"],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=400)
    assert "17 of 17 points" in done.stdout, done.stdout
    assert done.stderr.count("\n") == 1 and "compiling the machine" in done.stderr
    assert list((tmp_path / "__pycache__").glob("*.nbi"))
