"""`minihv new`: what it writes works as it stands."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minihv import cli
from minihv.course.books import scaffold
from minihv.course.books.generate import ROOT, generated

USE = """
import runpy, sys
from pathlib import Path
from minihv.course.exercise import exercise
from minihv.course.verdicts import try_answer
for path in sorted(Path("tests/answers/05_9").glob("*.py")):
    verdict = try_answer(exercise("05.9"), [runpy.run_path(str(path))["merge"]], 3)
    print(path.stem, verdict.key)
from minihv.chapters.ch05 import MergeView
view = MergeView("two")
assert "two" in view.text() and "TODO" in view.picture() and "mhv" in view._css
assert exercise("05.9").title == "TODO merge"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a scaffold touches."""
    root = tmp_path_factory.mktemp("project")
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("minihv", "solutions", "exercises"):
        shutil.copytree(ROOT / name, root / name, ignore=ignore)
    return root


def test_a_new_exercise_and_a_new_view_work_at_once(project: Path):
    files = scaffold.new_exercise("05.9", "merge", project)
    assert len([f for f in files if "answers" not in f.parts]) == 5
    scaffold.new_view("05", "MergeView", project)
    done = subprocess.run([sys.executable, "-c", USE], cwd=project, capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(project)}, check=False)
    assert done.returncode == 0, done.stderr
    said = dict(line.split() for line in done.stdout.splitlines())
    assert said == {"right_divided": "passed", "right_shift": "passed", "right_sum": "passed",
                    "wrong_crash": "error", "wrong_differs": "differs", "wrong_set": "odd",
                    "wrong_not_doubled": "not_doubled", "wrong_text": "shape"}
    path = project / "exercises" / "05_shadow_paging.ipynb"
    assert generated(project)[path] == path.read_text()
    cells = {cell["id"]: cell for cell in json.loads(path.read_text())["cells"]}
    assert "raise NotImplementedError" in "".join(cells["answer-05-9"]["source"])
    with pytest.raises(scaffold.ScaffoldError, match="there already"):
        scaffold.new_exercise("05.9", "merge", project)


def test_a_new_chapter_takes_exercises_and_views(project: Path):
    scaffold.new_chapter("07", project)
    scaffold.new_exercise("07.1", "batch", project)
    scaffold.new_view("07", "CallView", project)
    code = ("from minihv.course.exercise import all_chapters, exercise\n"
            "from minihv.chapters.ch07 import CallView\n"
            "assert '07' in all_chapters() and exercise('07.1').names == ('batch',)")
    subprocess.run([sys.executable, "-c", code], cwd=project, check=True,
                   env=os.environ | {"PYTHONPATH": str(project)})
    with pytest.raises(scaffold.ScaffoldError, match="no chapter '77'"):
        scaffold.new_chapter("77", project)
    with pytest.raises(scaffold.ScaffoldError, match="minihv new chapter 08"):
        scaffold.new_exercise("08.1", "queue", project)


REFUSED = [
    ((scaffold.new_exercise, "05", "merge"), "'05' is no number of an exercise"),
    ((scaffold.new_exercise, "5.4", "merge"), "'5.4' is no number of an exercise"),
    ((scaffold.new_exercise, "05.1", "merge"), "05.1 is there already"),
    ((scaffold.new_exercise, "05.8", "audit"), "audit.py is there already"),
    ((scaffold.new_exercise, "05.8", "class"), "'class' is no name of a function"),
    ((scaffold.new_exercise, "00.1", "merge"), "chapter 00 has no notebook in solutions/"),
    ((scaffold.new_view, "05.1", "WalkGrid"), "'05.1' is no number of a chapter"),
    ((scaffold.new_view, "05", "walk"), "'walk' is no name of a view"),
    ((scaffold.new_chapter, "05"), "is there already"),
]


@pytest.mark.parametrize("asked,why", REFUSED)
def test_what_is_refused_leaves_no_trace(asked, why, project: Path):
    def now() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}

    before = now()
    new, *arguments = asked
    with pytest.raises(scaffold.ScaffoldError, match=why):
        new(*arguments, project)
    assert now() == before


@pytest.mark.parametrize("arguments,why", [
    (["exercise", "05.8"], "minihv new exercise 05.8 count_exits"),
    (["view", "05"], "minihv new view 05 WalkGrid"),
    (["chapter", "00", "calls"], "chapters.toml: minihv new chapter 00"),
])  # fmt: skip
def test_a_name_is_asked_for(arguments, why, capsys):
    assert cli.main(["new", *arguments]) == 2
    assert why in capsys.readouterr().err
