"""Chapter 15 and its solutions with both backends: the same outputs where they are checked.

`make test` runs the notebooks on the kernel that this host allows; here the cells run as a plain
program on the model, and as an ordinary user.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from minihv.course.books.store import CHECKED
from tests.containers.conftest import ROOT, USER, ordinary_python

NOTEBOOKS = ("notebooks/15_namespaces.ipynb", "solutions/15_namespaces.ipynb")
PATIENCE = 300  # seconds; a busy host needs a fourth of a minute


def code_cells(path: Path) -> list[dict[str, Any]]:
    """The code cells of a notebook."""
    return [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]


def is_checked(cell: dict[str, Any]) -> bool:
    """Return True if nbval compares the cell's output."""
    return CHECKED in cell["metadata"].get("tags", ())


def stored(cell: dict[str, Any]) -> str:
    """A cell's stored output, as a terminal would have shown it."""
    parts = []
    for output in cell["outputs"]:
        text = "".join(output.get("text") or output["data"]["text/plain"])
        parts.append(text if text.endswith("\n") else text + "\n")
    return "".join(parts)


def play(path: Path) -> dict[str, str]:
    """Run the cells of a notebook here, one after the other: what the checked ones printed."""
    names: dict[str, Any] = {"__name__": "__main__"}
    said = {"all": ""}
    for cell in code_cells(path):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
        said["all"] += out.getvalue()
        if is_checked(cell):
            said[cell["id"]] = out.getvalue()
    said["backend"] = getattr(names.get("world"), "backend", "")
    return said


def run(python: str, notebook: str, folder: Path, **more: Any) -> dict[str, str]:
    """`play` in a process of its own."""
    paths = os.pathsep.join([str(ROOT), sysconfig.get_paths()["purelib"]])
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1",
           "HOME": str(folder), "MINIHV_STATE": str(folder / "progress.json")}
    done = subprocess.run([python, "-m", "tests.containers.test_chapter", str(ROOT / notebook)],
                          env=env | more.pop("env", {}), cwd=ROOT, capture_output=True, text=True,
                          timeout=PATIENCE, **more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def compare(notebook: str, said: dict[str, str]) -> None:
    """Each checked cell printed what is stored."""
    checked = [c for c in code_cells(ROOT / notebook) if is_checked(c)]
    assert len(checked) >= 4
    for cell in checked:
        assert said[cell["id"]] == stored(cell), cell["id"]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_on_the_model(notebook: str, tmp_path: Path) -> None:
    """A host that refuses everything: the chapter says so and gives the same results."""
    said = run(sys.executable, notebook, tmp_path, env={"MINIHV_CONTAINERS": "model"})
    compare(notebook, said)
    assert said["backend"].startswith("the model") or "solutions" in notebook
    # The chapter's figure of shares has no measurement then.
    assert "the model against itself" in said["all"] or "solutions" in notebook


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_as_an_ordinary_user(notebook: str, home: Path) -> None:
    """Without privilege: rootless if the host allows it, else the model."""
    python = ordinary_python()
    folder = home / f"chapter-{Path(notebook).parent}"
    folder.mkdir()
    who: dict[str, Any] = {}
    if os.getuid() == 0:
        os.chown(folder, USER, USER)
        who = {"user": USER, "group": USER, "extra_groups": []}
    test = "import anywidget, IPython, minihv.course.views.view"
    paths = os.pathsep.join([str(ROOT), sysconfig.get_paths()["purelib"]])
    if subprocess.run([python, "-c", test], env={"PYTHONPATH": paths}, capture_output=True,
                      cwd="/", **who).returncode:
        pytest.skip("no Python with the course's packages that an ordinary user may execute")
    said = run(python, notebook, folder, **who)
    compare(notebook, said)


def test_the_comparison_can_fail() -> None:
    """Negative control: one changed word in one checked cell is noticed."""
    notebook = NOTEBOOKS[0]
    said = {c["id"]: stored(c) for c in code_cells(ROOT / notebook)}
    compare(notebook, said)
    with pytest.raises(AssertionError):
        compare(notebook, said | {"probes": said["probes"].replace("stopped", "got out", 1)})


if __name__ == "__main__":
    print(json.dumps(play(Path(sys.argv[1]))))
