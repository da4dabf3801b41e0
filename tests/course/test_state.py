"""The learner's file: survives restarts, upgrades and damage; readable, deletable, never in git."""

import json
import multiprocessing
import subprocess
from pathlib import Path

import pytest

from minihv.course import forget, predict, predicted, progress, state
from minihv.course.exercise import all_chapters, chapter

ROOT = Path(__file__).parents[2]


def test_what_was_noted_is_there_after_a_restart(state_file: Path):
    predict("x", [1, "two", 3.0])
    assert predicted("x") == [1, "two", 3.0]
    assert json.loads(state_file.read_text())["predictions"]["x"] == {"guess": [1, "two", 3.0]}


def test_forget_deletes_everything(state_file: Path):
    predict("x", 1)
    forget()
    assert list(state_file.parent.iterdir()) == []
    assert predicted("x") is None


def test_the_file_is_outside_the_project(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MINIHV_STATE")
    assert not state.path().resolve().is_relative_to(ROOT)
    monkeypatch.setattr(state.sys, "platform", "win32")
    assert "Local" in str(state.path())
    monkeypatch.setattr(state.sys, "platform", "darwin")
    assert "Application Support" in str(state.path())


@pytest.mark.parametrize(("damage", "why"), [
    ("{", "line 1"), ("[]", "no version"), ("{}", "no version"), ("\udcff", "utf-8"),
    ('{"version": 99}', "99"), ('{"version": 1, "exercises": 3}', "exercises"),
    ('{"version": 1, "predictions": {"x": 3}}', "predictions"), ("", "line 1"),
])
def test_a_damaged_file_is_kept_aside_with_one_message(
        state_file: Path, capsys: pytest.CaptureFixture[str], damage: str, why: str):
    state_file.parent.mkdir()
    content = damage.encode(errors="surrogateescape")
    state_file.write_bytes(content)
    predict("x", 1)
    predict("y", 2)
    message = capsys.readouterr().err
    aside = state_file.with_name("progress.damaged-1.json")
    assert aside.read_bytes() == content
    assert message.count("\n") == 1
    assert str(aside) in message
    assert why in message
    assert (predicted("x"), predicted("y")) == (1, 2)


def test_a_second_damaged_file_does_not_overwrite_the_first(state_file: Path):
    state_file.parent.mkdir()
    for content in ("one", "two"):
        state_file.write_text(content)
        predict("x", 1)
    asides = sorted(state_file.parent.glob("*damaged*"))
    assert [path.read_text() for path in asides] == ["one", "two"]


def test_an_older_file_is_upgraded_and_loses_nothing(
        state_file: Path, monkeypatch: pytest.MonkeyPatch):
    predict("x", 1)
    monkeypatch.setattr(state, "VERSION", 3)
    monkeypatch.setattr(state, "UPGRADES", {
        1: lambda old: old | {"badges": ["early"]},
        2: lambda old: old | {"seen": len(old["badges"])}})
    predict("y", 2)
    now = json.loads(state_file.read_text())
    assert (now["version"], now["badges"], now["seen"]) == (3, ["early"], 1)
    assert set(now["predictions"]) == {"x", "y"}


def test_where_nothing_can_be_written_the_session_goes_on(
        state_file: Path, capsys: pytest.CaptureFixture[str]):
    state_file.parent.write_text("a file where the folder should be")
    predict("x", 1)
    predict("y", 2)
    assert capsys.readouterr().err.count("MINIHV_STATE") == 1
    assert (predicted("x"), predicted("y")) == (1, 2)


def test_an_unreadable_file_is_not_overwritten(
        state_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    predict("x", 1)
    before = state_file.read_bytes()
    with monkeypatch.context() as context:
        def deny(*_: object, **__: object) -> str:
            raise PermissionError(13, "Permission denied")
        context.setattr(Path, "read_text", deny)
        predict("y", 2)
        assert predicted("y") == 2
    assert state_file.read_bytes() == before
    assert capsys.readouterr().err.count("Permission denied") == 1


def test_a_failed_write_leaves_the_old_file(state_file: Path, monkeypatch: pytest.MonkeyPatch):
    predict("x", 1)
    before = state_file.read_text()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    predict("x", 2)
    assert state_file.read_text() == before
    assert [p.name for p in state_file.parent.glob("*.tmp")] == []


def note_many(name: str) -> None:
    for number in range(25):
        state.note("predictions", f"{name}{number}", guess=number)


def test_two_notebooks_at_once_lose_nothing(state_file: Path):
    pytest.importorskip("fcntl")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=note_many, args=(name,)) for name in "ab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(state.load()["predictions"]) == 50


def test_progress_counts_points_and_says_where(
        state_file: Path, capsys: pytest.CaptureFixture[str]):
    state.note("exercises", "01.2", points=5, attempts=3, hints=1)
    progress()
    out = capsys.readouterr().out
    total = sum(one.points for number in all_chapters() for one in chapter(number))
    assert f"5 of {total} points" in out
    assert "5 / 5" in out
    assert str(state_file) not in out
    progress(where=True)
    assert str(state_file) in capsys.readouterr().out


def test_using_the_course_leaves_nothing_in_the_project(state_file: Path):
    def status() -> str:
        return subprocess.run(["git", "status", "--porcelain", "."], cwd=ROOT / "minihv" / "course",
                              capture_output=True, text=True, check=False).stdout
    before = status()
    predict("x", 1)
    progress()
    assert status() == before
