"""A host that has compiled nothing yet: nobody is blamed for the time that takes."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from minihv.hw import engine, warmup
from tests.tiers import TIER

ROOT = Path(__file__).parents[2]


def test_what_is_compiled_is_not_compiled_again(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls: list[object] = []
    monkeypatch.setattr(engine, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(engine, "compiled", lambda *_: b"an object")
    monkeypatch.setattr(warmup, "warm", calls.append)
    warmup.make_sure(lambda: None)
    assert len(calls) == 1
    engine.MACHINE.object(lambda: None)
    warmup.make_sure(lambda: None)
    assert len(calls) == 1


@pytest.mark.parametrize("harm", ["cut", "changed", "gone"])
def test_a_file_of_the_cache_that_is_not_whole_is_made_again(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str):
    monkeypatch.setattr(engine, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(engine, "compiled", lambda *_: b"an object")
    engine.MACHINE.object(lambda: None)
    for path in engine.MACHINE.files():
        data = path.read_bytes()
        path.write_bytes(data[:-1] if harm == "cut" else data[:-1] + b"?")
        if harm == "gone":
            path.unlink()
        assert not engine.MACHINE.is_compiled()
        assert engine.MACHINE.object(lambda: None) == b"an object"
        assert engine.MACHINE.is_compiled()


def test_what_was_only_touched_is_not_compiled_again(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made: list[str] = []
    monkeypatch.setattr(engine, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(engine, "compiled", lambda text, *_: made.append(text) or b"an object")
    source = tmp_path / "source.py"
    source.write_text("def planted(a): return a + 1\n")
    parts = lambda: [(ast.parse(source.read_text()), {})]  # noqa: E731
    library = engine.Library("planted", ("planted",), parts, [source])
    library.object(lambda: None)
    os.utime(source, (1, 1))
    assert not library.is_compiled()  # as far as the file system tells
    library.object(lambda: None)
    assert len(made) == 1 and library.is_compiled()
    source.write_text("def planted(a): return a + 2\n")
    library.object(lambda: None)
    assert len(made) == 2


def test_another_processor_has_an_object_of_its_own(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Else a home folder that two computers share ends in an illegal instruction."""
    monkeypatch.setattr(engine, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(engine, "compiled", lambda *_: b"an object")
    engine.MACHINE.object(lambda: None)
    here = engine.host()
    monkeypatch.setattr(engine, "host", lambda: (*here[:-1], here[-1] + ",+another"))
    assert not engine.MACHINE.is_compiled()
    monkeypatch.setattr(engine, "compiled", lambda *_: b"another object")
    assert engine.MACHINE.object(lambda: None) == b"another object"


@pytest.mark.skipif(os.name != "posix", reason="of owners and modes")
def test_nothing_is_run_from_a_folder_in_which_others_can_write(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MINIHV_CACHE", str(tmp_path / "open"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert engine.kept_cache() == tmp_path / "open"
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o700
    (tmp_path / "open").chmod(0o777)
    assert engine.kept_cache() == tmp_path / "minihv"


@pytest.mark.skipif(TIER == "small", reason="compiles the machine anew: FULL=1")
def test_right_answers_are_right_with_nothing_compiled(tmp_path: Path):
    env = os.environ | {"MINIHV_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    env.pop("MINIHV_PATIENCE", None)
    done = subprocess.run(
        [sys.executable, "-m", "minihv", "check", "--unsafe", "solutions/01_the_machine.ipynb"],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=400)
    assert "17 of 17 points" in done.stdout, done.stdout
    assert done.stderr.count("\n") == 1 and "compiling the machine" in done.stderr
    assert list(tmp_path.glob("machine_*.o"))
