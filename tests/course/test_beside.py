"""What runs beside the learner's code is apart from what draws cases and knows the answers."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minihv.course.exercise import all_chapters, chapter, exercise
from minihv.course.verdicts import decide
from tests.answers.variants import source

ROOT = Path(__file__).parents[2]
EXERCISES = [one.id for number in all_chapters() for one in chapter(number)]
# Beside the learner: every declaration is imported; nothing that judges may come along.
IMPORT_ALL = """
import sys
from minihv.course import beside
for number in {numbers}:
    assert beside.beside(number).names
knowing = [name for name in sys.modules if name.startswith("minihv.chapters.")
           and ".checks" in name]
assert not knowing, knowing
"""


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(folder)}, timeout=120, check=False)


@pytest.fixture(scope="module")
def submission(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package without anything that judges."""
    folder = tmp_path_factory.mktemp("submission")
    shutil.copytree(ROOT / "minihv", folder / "minihv",
                    ignore=shutil.ignore_patterns("__pycache__", "checks"))
    return folder


def test_the_learners_side_imports_no_checks():
    done = python(IMPORT_ALL.format(numbers=EXERCISES), ROOT)
    assert done.returncode == 0, done.stderr


def test_an_import_of_a_check_is_found(tmp_path: Path):
    shutil.copytree(ROOT / "minihv", tmp_path / "minihv",
                    ignore=shutil.ignore_patterns("__pycache__"))
    planted = tmp_path / "minihv/chapters/ch05/beside/__init__.py"
    planted.write_text("import minihv.chapters.ch05.checks.entry\n" + planted.read_text())
    assert "ch05.checks.entry" in python(IMPORT_ALL.format(numbers=EXERCISES), tmp_path).stderr


@pytest.mark.parametrize("number", EXERCISES)
def test_without_checks_the_learners_side_answers_the_same(number: str, submission: Path):
    """The reference answers in a package that has no checks; here it is judged to be right."""
    one = exercise(number)
    instance = one.instance(3)
    (submission / "asked.json").write_text(json.dumps(one.form.ask(instance)))
    (submission / "answer.py").write_text(
        f"{source(number)}\nimport json, pathlib\n"
        "from minihv.course.judging.cells import outcomes\n"
        "asked = json.loads(pathlib.Path('asked.json').read_text())\n"
        f"reply = outcomes({number!r}, asked, 60.0)\n"
        "pathlib.Path('reply.json').write_text(json.dumps(reply))\n")
    done = python("exec(compile(open('answer.py').read(), 'answer.py', 'exec'))", submission)
    assert done.returncode == 0, done.stderr
    reply = json.loads((submission / "reply.json").read_text())
    verdict = decide(one, reply, instance)
    assert verdict.ok, verdict.text(number)
