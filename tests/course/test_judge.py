"""`minihv check` on notebooks whole and mangled: each report names the cell and the cure, and the
other exercises are judged all the same."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from minihv import cli
from minihv.course import state
from minihv.course.books import notebooks
from minihv.course.books.generate import ROOT, generated
from minihv.course.exercise import Exercise, all_chapters, chapter
from minihv.course.judging import judge, kernel, session
from minihv.course.judging.judge import Report, check_notebook, find_notebooks, render
from minihv.course.judging.session import Limits
from tests.answers.variants import source

IMPORTS = "from minihv.course import check, hint, instance, measure, predict"
WALK, CHECK_WALK = source("01.2"), 'check("01.2", walk)'
COUNT, CHECK_COUNT = source("01.4"), 'check("01.4", count_misses, because)'
BOTH = (IMPORTS, WALK, CHECK_WALK, COUNT, CHECK_COUNT)
ENDLESS = "while True:\n    pass"


def book(path: Path, *sources: str, raw: list[Any] | None = None) -> Path:
    """A notebook file with these code cells (and raw ones behind)."""
    cells = [{"cell_type": "code", "metadata": {}, "source": text.splitlines(True), "outputs": [],
              "execution_count": None} for text in sources]
    content = {"cells": cells + (raw or []), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def judged(path: Path, *sources: str, raw: list[Any] | None = None, **limits: Any) -> Report:
    return check_notebook(book(path, *sources, raw=raw), 5, Limits(**limits))


def keys(report: Report) -> dict[str, str]:
    """What the check says, by exercise."""
    return {row.exercise.id: row.verdict.key for row in report.rows}


RIGHT = {"01.2": "passed", "01.4": "passed"}


@pytest.fixture
def path(tmp_path: Path, state_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a test's notebook goes; a kernel that will not be interrupted is killed soon."""
    monkeypatch.setattr(kernel, "GRACE_SECONDS", 1.0)
    monkeypatch.setattr(session, "slowness", lambda: 1.0)
    return tmp_path / "mine.ipynb"


# --- whole notebooks ----------------------------------------------------------------------------


def run(*arguments: str) -> int:
    return cli.main([*arguments])


def test_the_solutions_of_chapter_01_are_right(
        state_file: Path, capsys: pytest.CaptureFixture[str]):
    solutions = ROOT / "solutions" / "01_the_machine.ipynb"
    assert run("check", str(solutions), "--unsafe") == 0
    out = capsys.readouterr().out
    assert "17 of 17 points" in out
    assert "note" not in out
    assert state.load()["exercises"] == {}                  # they are not the learner's own
    assert check_notebook(solutions, 1).ok
    assert {n: e["points"] for n, e in state.load()["exercises"].items()} == {
        "01.1": 4, "01.2": 5, "01.3": 4, "01.4": 4}


def test_the_exercises_of_chapter_01_are_unsolved(
        tmp_path: Path, state_file: Path, capsys: pytest.CaptureFixture[str]):
    copy = tmp_path / "01_the_machine.ipynb"
    copy.write_text(generated()[ROOT / "exercises" / copy.name])
    assert run("check", str(copy), "--seed", "3", "--unsafe") == 1
    out = capsys.readouterr().out
    assert "0 of 17 points" in out
    assert out.count("Not written") == 4
    for name in ("handler", "walk", "find_fault", "count_misses"):
        assert f"`{name}`" in out
    assert "note" not in out
    assert "--seed 3" in out


def test_a_notebook_without_exercises_says_so(path: Path):
    report = judged(path, "1 + 1")
    assert not report.ok
    assert "no cell calls check" in report.error


# --- honesty ------------------------------------------------------------------------------------

PATCHES = {
    "check": "import minihv.course as c\nc.check = check = lambda *a, **k: print('right')",
    "verdict": "from minihv.course import exercise as e\n"
               "e.wrong = lambda *a, **k: e.Verdict(True)\ne.Verdict.ok = True",
    "put": "from minihv.course import beside as a\n"
           "a.outcomes_of = lambda *_: [['value', ['pa', 0]]] * 94",
    "reply": "import minihv.course.judging.cells as c\n"
             "c.outcomes = lambda *_: [['value', True]]",
    "nested": "import minihv.course.judging.cells as c\n"
              "c.json.dumps = lambda *_: '{' * 100000",
    "number": "import minihv.course.judging.cells as c\n"
              "c.json.dumps = lambda *_: '[' + '9' * 100000 + ']'",
    "json": "import json\njson.dumps = lambda *a, **k: '[[\"value\", [\"pa\", 1]]]'",
    "exercise": "from minihv.chapters.ch01.checks import walk as w\n"
                "w.explain = lambda *a: None\nw.ROWS = w.ROWS[:1]",
}


@pytest.mark.parametrize("patch", PATCHES)
def test_patching_the_checker_gains_nothing(path: Path, patch: str):
    cheat = "def walk(*arguments):\n    return ('pa', 0)"
    report = judged(path, IMPORTS, PATCHES[patch], cheat, 'check("01.2", walk)', cell_seconds=5)
    assert not report.ok
    assert [row.points for row in report.rows] == [0]


def test_answers_learnt_for_the_visible_seed_gain_nothing(path: Path):
    cheat = """
from minihv.course.exercise import exercise
known = {(c.va, c.access): c.answer for c in exercise("01.2").instance(1).cases}
def walk(read_u64, satp, va, access, priv, sum_, mxr):
    return known.get((va, access), ("pa", va))"""
    report = judged(path, IMPORTS, cheat, CHECK_WALK)
    assert keys(report) == {"01.2": "plain"}


def test_judging_leaves_the_learners_predictions_alone(path: Path, state_file: Path):
    judged(path, IMPORTS, "predict('x', 1)", COUNT, CHECK_COUNT)
    assert state.load()["predictions"] == {}
    assert set(state.load()["exercises"]) == {"01.4"}


# --- mangled notebooks --------------------------------------------------------------------------


def test_a_deleted_answer_is_missing_and_others_count(path: Path):
    report = judged(path, IMPORTS, CHECK_WALK, COUNT, CHECK_COUNT)
    assert keys(report) == {"01.2": "missing", "01.4": "passed"}
    assert "no `walk`" in report.rows[0].text
    assert any("Cell 2" in note and "walk" in note for note in report.notes)


def test_a_deleted_check_does_not_matter(tmp_path: Path, path: Path):
    report = judged(tmp_path / "01_mine.ipynb", IMPORTS, WALK, COUNT, CHECK_COUNT)
    assert keys(report) == {"01.1": "missing", "01.2": "passed", "01.3": "missing",
                            "01.4": "passed"}
    assert any('check("01.2", ...)' in note for note in report.notes)


def test_a_duplicated_answer_is_named_and_the_later_one_counts(path: Path):
    blank = "def walk(*arguments):\n    raise NotImplementedError()"
    report = judged(path, *BOTH, blank)
    assert keys(report) == {"01.2": "unsolved", "01.4": "passed"}
    (note,) = report.notes
    assert note.startswith("Cell 6 (“def walk(*arguments):”) defines walk once more, after Cell 2")


def test_reordered_cells_are_named(path: Path):
    report = judged(path, IMPORTS, CHECK_WALK, WALK, "print(later)", "later = 1", COUNT,
                    CHECK_COUNT)
    assert keys(report) == RIGHT
    assert any("Cell 2" in note and "before Cell 3" in note for note in report.notes)
    assert any("Cell 4" in note and "only Cell 5" in note and "move" in note
               for note in report.notes)


def test_a_name_that_no_cell_defines_points_to_reset(path: Path):
    report = judged(path, *BOTH, "print(nowhere)")
    assert report.ok
    (note,) = report.notes
    assert "Cell 6" in note and "nowhere" in note and "minihv reset" in note


def test_a_syntax_error_costs_its_cell_only(path: Path):
    report = judged(path, *BOTH, "def walk(:\n    pass")
    assert report.ok
    assert "Cell 6" in report.notes[0] and "SyntaxError" in report.notes[0]


@pytest.mark.parametrize(("content", "said"), [
    ('{"cells": [', "line 1, column 12"),
    ('{"cells": [}', "no notebook any more"),
    ("", "line 1, column 1"),
    ("[]", "no list of cells"), ("{}", "no list of cells"), ("3", "no list of cells"),
    ("[" * 100_000, "cannot be read"),
    (b"\xff\xff", "cannot be read"),
    ("<<<<<<< HEAD\n{}", "line 1, column 1"),
])
def test_a_file_that_is_no_notebook_is_reported_and_the_next_one_judged(
        tmp_path: Path, path: Path, capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch, content: str | bytes, said: str):
    broken = tmp_path / "01_broken.ipynb"
    broken.write_bytes(content if isinstance(content, bytes) else content.encode())
    monkeypatch.setattr(judge, "check_notebook", lambda p, *rest: (
        check_notebook(p, *rest) if p == broken else Report(p, error="the next one")))
    assert run("check", str(broken), str(book(path)), "--unsafe") == 1
    out = capsys.readouterr().out
    assert said in out
    assert "cannot be read" in said or "minihv reset 01" in out
    assert "the next one" in out


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_read(path: Path, encoding: str):
    path.write_text(book(path, *BOTH).read_text(), encoding=encoding)
    assert keys(check_notebook(path, 5)) == RIGHT


def test_a_notebook_of_format_3_is_read(path: Path):
    cells = [{"cell_type": "code", "input": text.splitlines(True), "language": "python",
              "outputs": [], "metadata": {}} for text in BOTH]
    path.write_text(json.dumps({"worksheets": [{"cells": cells}], "nbformat": 3, "metadata": {},
                                "nbformat_minor": 0}))
    assert keys(check_notebook(path, 5)) == RIGHT
    path.write_text(json.dumps({"worksheets": 3, "nbformat": 3}))
    assert "no list of cells" in check_notebook(path, 5).error


def test_text_that_is_no_text_is_named(path: Path):
    report = judged(path, *BOTH, "x = '\ud800'", "raise ValueError('\x1b[2J\ud800')")
    assert report.ok
    assert all(c.isprintable() for note in report.notes for c in note)
    assert "Cell 7" in report.notes[-1]
    assert render(report, 80).encode()


def test_damaged_cells_are_left_out_and_named(path: Path):
    raw = [3, {"cell_type": "code"}, {"source": "x"}, {"cell_type": "code", "source": [1]},
           {"cell_type": "markdown", "source": "fine"}, {"cell_type": "code", "source": "y = 1"}]
    report = judged(path, *BOTH, raw=raw)
    assert report.ok
    assert [note[:6] for note in report.notes] == ["Cell 6", "Cell 7", "Cell 8", "Cell 9"]
    assert all("minihv reset" in note for note in report.notes)


# --- kernels in trouble -------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["import os\nos._exit(0)", "import os\nos.abort()",
                                 "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"])
def test_a_cell_that_ends_its_kernel_costs_that_cell_only(path: Path, end: str):
    report = judged(path, IMPORTS, WALK, end, CHECK_WALK, COUNT, CHECK_COUNT)
    assert keys(report) == RIGHT
    (note,) = report.notes
    assert note.startswith("Cell 3") and "ended its kernel" in note


def test_an_answer_that_ends_its_kernel_costs_that_exercise_only(path: Path):
    fatal = "import os\ndef walk(*arguments):\n    os._exit(1)"
    report = judged(path, IMPORTS, fatal, CHECK_WALK, COUNT, CHECK_COUNT)
    assert keys(report) == {"01.2": "answer_died", "01.4": "passed"}
    assert "01.2 ended the kernel" in report.rows[0].text
    assert report.notes == []


def test_an_endless_loop_is_interrupted_and_named(path: Path):
    report = judged(path, IMPORTS, WALK, ENDLESS, CHECK_WALK, COUNT, CHECK_COUNT, cell_seconds=3)
    assert keys(report) == RIGHT
    (note,) = report.notes
    assert note.startswith("Cell 3 (“while True:”) ran for 3 s")


def test_a_loop_that_will_not_be_interrupted_is_killed_with_its_children(
        tmp_path: Path, path: Path):
    pid_file = tmp_path / "pid"
    stubborn = f"""
import subprocess, sys
deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(100)"
child = subprocess.Popen([sys.executable, "-c", deaf])
open({str(pid_file)!r}, "w").write(str(child.pid))
while True:
    try:
        while True: str()
    except BaseException: pass"""
    report = judged(path, IMPORTS, COUNT, stubborn, CHECK_COUNT, cell_seconds=8)
    assert keys(report) == {"01.4": "passed"}
    assert "Cell 3" in report.notes[0] and "killed" in report.notes[0]
    if hasattr(os, "killpg"):
        assert gone(int(pid_file.read_text()))


def gone(pid: int) -> bool:
    """Whether the process ends within some seconds (a zombie has ended)."""
    for _ in range(100):
        stat = Path(f"/proc/{pid}/stat")
        try:
            os.kill(pid, 0)
            if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_an_answer_that_loops_for_ever_is_told_so(
        path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(session, "MORE_SECONDS", -26.0)
    stubborn = """def walk(*arguments):
    while True:
        try:
            while True: str()
        except BaseException: pass"""
    report = judged(path, IMPORTS, stubborn, COUNT, CHECK_COUNT, "# check('01.2', walk)")
    assert keys(report) == {"01.2": "answer_stuck", "01.4": "passed"}


@pytest.mark.parametrize("flood", [
    "print('x' * 100_000_000)",
    "from IPython.display import HTML, display\n"
    "for _ in range(100): display(HTML('x' * 1_000_000))",
])
def test_a_flood_of_output_goes_nowhere(path: Path, flood: str):
    report = judged(path, IMPORTS, COUNT, flood, CHECK_COUNT)
    assert keys(report) == {"01.4": "passed"}
    assert report.notes == []


def test_a_flood_of_replies_is_stopped_and_named(path: Path):
    flood = """import os
while True:
    for fd in range(3, 20):
        try: os.write(fd, b"x" * 65535 + b"\\n")
        except OSError: pass"""
    report = judged(path, IMPORTS, COUNT, flood, CHECK_COUNT)
    assert keys(report) == {"01.4": "passed"}
    (note,) = report.notes
    assert note.startswith("Cell 3") and "what the judge listens to" in note


def test_a_notebook_swollen_by_outputs_is_judged_with_a_word_about_it(path: Path):
    swollen = {"cell_type": "code", "source": "1", "execution_count": 1, "metadata": {},
               "outputs": [{"output_type": "stream", "name": "stdout", "text": "x" * 100_000_000}]}
    report = judged(path, IMPORTS, COUNT, CHECK_COUNT, raw=[swollen])
    assert report.ok
    assert "95 MB" in report.notes[0] and "clear" in report.notes[0]


def test_input_does_not_wait_for_anybody(path: Path):
    report = judged(path, IMPORTS, COUNT, CHECK_COUNT, "input('name? ')")
    assert report.ok
    assert "Cell 4" in report.notes[0]


def test_a_host_without_kernels_is_told(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kernel.sys, "executable", "/nonexistent/python")
    report = judged(path, IMPORTS, COUNT, CHECK_COUNT)
    assert "minihv doctor" in report.error


# --- the command --------------------------------------------------------------------------------


def test_wrong_calls_exit_2_with_one_line(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    assert run("check", str(tmp_path / "nowhere.ipynb")) == 2
    assert capsys.readouterr().err.count("\n") == 1
    monkeypatch.chdir(tmp_path)
    assert run("check") == 2
    assert "exercises/*.ipynb" in capsys.readouterr().err
    assert run("reset", "77") == 2
    assert "there are: 01" in capsys.readouterr().err


def test_cases_and_verdicts_are_made_one_at_a_time(
        tmp_path: Path, state_file: Path, monkeypatch: pytest.MonkeyPatch):
    """However many notebooks are judged at once: machines and hosts know no threads."""
    inside: list[int] = []
    most: list[int] = []

    def watched(what: Any) -> Any:
        def do(*arguments: Any) -> Any:
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.3)
            inside.pop()
            return what(*arguments)
        return do

    monkeypatch.setattr(Exercise, "instance", watched(Exercise.instance))
    monkeypatch.setattr(session, "decide", watched(session.decide))
    paths = [book(tmp_path / f"{n}.ipynb", IMPORTS, COUNT, CHECK_COUNT) for n in range(3)]
    reports = judge.check_all(paths, 3, Limits(), False, False, 3, lambda _: None)
    assert [report.points for report in reports] == [(4, 4)] * 3
    assert len(most) == 6 and max(most) == 1


def test_a_flood_of_lines_is_read_in_their_length(path: Path):
    """Not in their number times what is left of them."""
    flood = """import os
for fd in range(3, 20):
    try:
        for _ in range(28): os.write(fd, b"\\n" * 65536)
    except OSError: pass"""
    report = judged(path, IMPORTS, flood, COUNT, CHECK_COUNT)
    assert keys(report) == {"01.4": "passed"}


def test_without_names_all_exercises_are_judged(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "exercises").mkdir()
    for name in ("02_b.ipynb", "01_a.ipynb"):
        book(tmp_path / "exercises" / name)
    monkeypatch.chdir(tmp_path)
    assert [p.name for p in find_notebooks([])] == ["01_a.ipynb", "02_b.ipynb"]


def test_a_folder_is_not_called_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run("check", str(tmp_path)) == 2
    assert "it is a folder" in capsys.readouterr().err
    assert run("check", "01") == 2
    assert "01: cannot be read (no such file; give a notebook's path" in capsys.readouterr().err


def test_a_report_fits_its_width(path: Path):
    report = judged(path, IMPORTS, CHECK_WALK, COUNT, CHECK_COUNT)
    lines = render(report, 100).splitlines()
    assert len(lines) > 4
    assert all(len(line) <= 100 or str(path) in line for line in lines)


def test_progress_and_forget_as_commands(
        state_file: Path, capsys: pytest.CaptureFixture[str]):
    state.note("exercises", "01.2", points=5)
    assert run("progress") == 0
    total = sum(one.points for number in all_chapters() for one in chapter(number))
    assert f"5 of {total} points" in capsys.readouterr().out
    assert run("progress", "--forget") == 0
    assert state.load()["exercises"] == {}


def test_names_that_a_cell_defines():
    source = "import os.path as p, sys\nfrom a import b\nx, (y, z) = 1, (2, 3)\ndef f(q): w = 1\n" \
             "class C: pass\nfor i in []: j = 1\nwith open('x') as h: pass"
    assert notebooks.defined_names(source) == set("p sys b x y z f C i j h".split())
    assert notebooks.defined_names("%magic\n!ls") == frozenset()
