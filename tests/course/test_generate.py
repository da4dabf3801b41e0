"""From solutions to exercises: nbgrader's markers, the sync with git, and reset."""

import json
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from minihv.course.books import generate
from minihv.course.books.generate import (
    ROOT,
    MarkerError,
    dumps,
    exercise_notebook,
    generated,
    reset,
)
from minihv.course.books.notebooks import NotebookError, load
from minihv.course.exercise import all_chapters, chapter

SOLUTION = {"solution": True, "grade": False, "locked": False, "schema_version": 3,
            "task": False, "cell_type": "code"}
GRADE = SOLUTION | {"solution": False, "grade": True, "locked": True, "points": 1}


def cell(source: str, marks: dict[str, Any] | None = None, kind: str = "code") -> dict[str, Any]:
    made: dict[str, Any] = {"cell_type": kind, "id": "c", "source": source.splitlines(True),
                            "metadata": {"nbgrader": marks | {"grade_id": "g"}} if marks else {}}
    if kind == "code":
        made |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}],
                 "execution_count": 3}
    return made


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    for number, one in enumerate(cells):
        one["id"] = f"c{number}"
        if "nbgrader" in one["metadata"]:
            one["metadata"]["nbgrader"]["grade_id"] = f"g{number}"
    return {"cells": list(cells), "metadata": {"kernelspec": {
        "name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4, "nbformat_minor": 5}


CASES = [
    ("def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\nx = 2", SOLUTION,
     "def f():\n    # YOUR CODE HERE\n    raise NotImplementedError()\nx = 2"),
    ("a = 1\n### BEGIN SOLUTION\nb\n### END SOLUTION\nc\n### BEGIN SOLUTION\n### END SOLUTION",
     SOLUTION, "a = 1\n# YOUR CODE HERE\nraise NotImplementedError()\nc\n"
               "# YOUR CODE HERE\nraise NotImplementedError()"),
    ("everything = 'goes'\n", SOLUTION, "# YOUR CODE HERE\nraise NotImplementedError()"),
    ("check()\n### BEGIN HIDDEN TESTS\nhidden()\n### END HIDDEN TESTS", GRADE, "check()"),
    ("### BEGIN HIDDEN TESTS\nhidden()\n### END HIDDEN TESTS\n\nrest()", GRADE, "\nrest()"),
    ("plain = 'stays'\n", None, "plain = 'stays'\n"),
    ("", None, ""),
]


@pytest.mark.parametrize(("source", "marks", "expected"), CASES)
def test_markers(source: str, marks: dict[str, Any] | None, expected: str):
    made = exercise_notebook(notebook(cell(source, marks)))["cells"][0]
    assert "".join(made["source"]) == expected
    assert (made["outputs"], made["execution_count"]) == ([], None)


@pytest.mark.parametrize(("source", "marks", "said"), [
    ("### BEGIN SOLUTION\n### END SOLUTION", None, "does not say solution"),
    ("### BEGIN SOLUTION\n### END SOLUTION", GRADE, "does not say solution"),
    ("### BEGIN SOLUTION\nx", SOLUTION, "without END"),
    ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", SOLUTION, "inside"),
    ("### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS", None, "does not say grade"),
    ("### BEGIN HIDDEN TESTS\nx", GRADE, "without END"),
])
def test_wrong_markers_name_their_cell(source: str, marks: dict[str, Any] | None, said: str):
    with pytest.raises(MarkerError, match=f"cell 2: .*{said}"):
        exercise_notebook(notebook(cell("x = 1"), cell(source, marks)))


def test_what_must_stay_is_locked():
    made = exercise_notebook(notebook(cell("x", SOLUTION), cell("y", GRADE), cell("z")))
    locks = [(c["metadata"].get("deletable"), c["metadata"].get("editable")) for c in made["cells"]]
    assert locks == [(False, None), (False, False), (None, None)]


def nbgraders(nb: dict[str, Any]) -> dict[str, Any]:
    """What nbgrader itself makes of a notebook (the steps that change what learners see)."""
    preprocessors = pytest.importorskip("nbgrader.preprocessors",
                                        reason="nbgrader is not installed: pip install nbgrader")
    nbformat = pytest.importorskip("nbformat")
    node, resources = nbformat.reads(dumps(nb), as_version=4), {}
    for name in ("LockCells", "ClearSolutions", "ClearOutput", "ClearHiddenTests"):
        node, resources = getattr(preprocessors, name)().preprocess(node, resources)
    return node


@pytest.mark.parametrize("nb", [
    pytest.param(notebook(*(cell(source, deepcopy(marks)) for source, marks, _ in CASES)),
                 id="markers"),
    *(pytest.param(load(path), id=path.stem) for path in sorted((ROOT / "solutions").glob("*"))),
])
def test_nbgrader_makes_the_same(nb: dict[str, Any]):
    theirs, ours = nbgraders(nb), exercise_notebook(nb)
    assert len(theirs["cells"]) == len(ours["cells"])
    for their, our in zip(theirs["cells"], ours["cells"], strict=True):
        assert their["source"] == "".join(our["source"])
        assert dict(their["metadata"]) == our["metadata"]


# --- the committed exercises ------------------------------------------------------------------


def committed(path: Path) -> str | None:
    """The text of a file at HEAD: what a learner's own edits do not reach."""
    done = subprocess.run(["git", "show", f"HEAD:{path.relative_to(ROOT).as_posix()}"], cwd=ROOT,
                          capture_output=True, check=False)
    return done.stdout.decode() if done.returncode == 0 else None


@pytest.mark.parametrize(("path", "text"), [
    pytest.param(path, text, id=path.stem) for path, text in generated().items()])
def test_the_committed_exercises_are_the_generated_ones(path: Path, text: str):
    if not (ROOT / ".git").exists():
        pytest.skip("no git repository: nothing is committed")
    now = path.read_text(encoding="utf-8") if path.exists() else None
    assert text in (committed(path), now), "run make exercises, and commit"


def test_each_exercise_of_a_chapter_can_be_graded():
    """Its answer is in cells marked as solutions, its check in a cell that has its points."""
    for number in all_chapters():
        (path,) = (ROOT / "solutions").glob(f"{number}_*.ipynb")
        marks = [c["metadata"].get("nbgrader", {}) for c in load(path)["cells"]]
        by_id = {mark["grade_id"]: mark for mark in marks if mark}
        assert len(by_id) == sum(1 for mark in marks if mark), "a grade_id stands twice"
        for one in chapter(number):
            name = one.id.replace(".", "-")
            assert by_id[f"answer-{name}"]["solution"]
            assert by_id[f"check-{name}"]["points"] == one.points


# --- reset ------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one solution and its exercise."""
    (tmp_path / "solutions").mkdir()
    solution = notebook(cell("### BEGIN SOLUTION\n1\n### END SOLUTION", SOLUTION))
    (tmp_path / "solutions" / "05_x.ipynb").write_text(dumps(solution))
    assert reset("05", tmp_path)[-1].endswith("as it was at the start.")
    return tmp_path


def test_reset_restores_and_keeps_a_backup_each_time(project: Path):
    path = project / "exercises" / "05_x.ipynb"
    original = path.read_text()
    for number, mine in enumerate(("mine", "mine again"), 1):
        path.write_text(mine)
        said = reset("05", project)
        assert path.read_text() == original
        backup = project / "exercises" / "backups" / f"05_x-{number}.ipynb"
        assert backup.read_text() == mine
        assert str(backup) in said[0]


def test_reset_of_an_untouched_exercise_changes_nothing(project: Path):
    assert "nothing was changed" in reset("05", project)[0]
    assert not (project / "exercises" / "backups").exists()


def test_backups_are_none_of_gits_business(project: Path):
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    subprocess.run(["git", "add", "-A"], cwd=project, check=True)
    (project / "exercises" / "05_x.ipynb").write_text("mine")
    reset("05", project)
    done = subprocess.run(["git", "status", "--porcelain"], cwd=project, capture_output=True,
                          text=True, check=True)
    assert "backups" not in done.stdout


def test_reset_says_what_there_is(project: Path, tmp_path: Path):
    with pytest.raises(NotebookError, match="'77'; there are: 05"):
        reset("77", project)
    with pytest.raises(NotebookError, match="solutions"):
        reset("05", tmp_path / "elsewhere")


def test_a_notebook_file_is_written_as_jupyter_writes_it():
    nbformat = pytest.importorskip("nbformat")
    text = next(iter(generated().values()))
    assert nbformat.writes(nbformat.reads(text, as_version=4)) + "\n" == text
    assert json.loads(text)["nbformat"] == 4
    nbformat.validate(json.loads(text))


def test_make_exercises_reports_wrong_markers(
        project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    bad = notebook(cell("### BEGIN SOLUTION", SOLUTION))
    (project / "solutions" / "06_y.ipynb").write_text(dumps(bad))
    monkeypatch.setattr(generate, "generated", lambda: generated(project))
    assert generate.main() == 1
    assert "06_y.ipynb: cell 1" in capsys.readouterr().err
