"""A whole course through nbgrader: what a submission does to `check` changes no marks.

nbgrader is no part of the course. If it is not installed, a whole run (FULL=1) makes an environment
for it beside ours.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.containers.conftest import ROOT
from tests.tiers import TIER

NAME = "01_the_machine"
CONFIG = """from minihv.course.judging.nbgrader import configure
c = get_config()
configure(c)
c.CourseDirectory.root = {folder!r}
"""
SCORES = """
from nbgrader.api import Gradebook
import json
with Gradebook("sqlite:///gradebook.db") as book:
    print(json.dumps({s.student.id: s.score for s in book.assignment_submissions("ps1")}))
"""
CHEATS = {
    "redefines": "check = lambda *a, **k: None",
    "imports": "import minihv.course\nminihv.course.check = check = lambda *a, **k: None\n"
               "import builtins, IPython\nbuiltins.check = check",
}


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command."""
    has = [sys.executable, "-c", "import nbgrader"]
    if subprocess.run(has, capture_output=True).returncode == 0:
        return [sys.executable]
    if TIER == "small":
        pytest.skip("nbgrader is not installed; FULL=1 makes an environment for it")
    place = tmp_path_factory.mktemp("nbgrader") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    python = place / "bin" / "python"
    site = next(place.glob("lib/python*/site-packages"))
    (site / "ours.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    made = subprocess.run([python, "-m", "pip", "install", "-q", "nbgrader", "-c",
                           str(ROOT / "constraints.txt")], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"nbgrader cannot be installed: {made.stderr.strip().splitlines()[-1][:100]}")
    return [str(python)]


def run(nbgrader: list[str], folder: Path, *arguments: str) -> str:
    path = os.pathsep.join([str(Path(nbgrader[0]).parent), os.environ["PATH"]])  # it calls alembic
    env = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(folder),
                        "JUPYTER_PATH": str(Path(sysconfig.get_paths()["data"]) / "share/jupyter"),
                        "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([*nbgrader, *arguments], cwd=folder, env=env, capture_output=True,
                          text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_marks_are_the_judges(nbgrader: list[str], tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text(CONFIG.format(folder=str(tmp_path)))
    (tmp_path / "source/ps1").mkdir(parents=True)
    solutions = ROOT / "solutions" / f"{NAME}.ipynb"
    shutil.copy(solutions, tmp_path / "source/ps1")
    tool = ("-m", "nbgrader")
    run(nbgrader, tmp_path, *tool, "generate_assignment", "ps1")
    released = json.loads((tmp_path / f"release/ps1/{NAME}.ipynb").read_text())
    right = json.loads(solutions.read_text())
    answers = {c["metadata"]["nbgrader"]["grade_id"]: c["source"] for c in right["cells"]
               if c["metadata"].get("nbgrader", {}).get("solution")}
    for who in ("honest", "blank", *CHEATS):
        book = json.loads(json.dumps(released))
        for cell in book["cells"]:
            if who == "honest" and (name := cell["metadata"].get("nbgrader", {}).get("grade_id")):
                cell["source"] = answers.get(name, cell["source"])
        if who in CHEATS:
            book["cells"].insert(3, {"cell_type": "code", "id": "x", "metadata": {}, "outputs": [],
                                     "execution_count": None, "source": CHEATS[who]})
        (tmp_path / "submitted" / who / "ps1").mkdir(parents=True)
        (tmp_path / "submitted" / who / "ps1" / f"{NAME}.ipynb").write_text(json.dumps(book))
    run(nbgrader, tmp_path, *tool, "autograde", "ps1")
    assert json.loads(run(nbgrader, tmp_path, "-c", SCORES)) == {
        "honest": 17, "blank": 0, **dict.fromkeys(CHEATS, 0)}
    run(nbgrader, tmp_path, *tool, "generate_feedback", "ps1")
    feedback = (tmp_path / f"feedback/blank/ps1/{NAME}.html").read_text()
    assert "Not written yet" in feedback
    assert "seeds=10" not in feedback and "HIDDEN TESTS" not in feedback
