"""Chapter 16 and its solutions where containers are refused, and as an ordinary user: the same
outputs where they are checked."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from minihv.hw import engine
from tests.containers.conftest import ROOT, USER, home, ordinary_python  # noqa: F401
from tests.containers.test_chapter import compare, run

NOTEBOOKS = ("notebooks/16_vm_or_container.ipynb", "solutions/16_vm_or_container.ipynb")


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_without_containers(notebook: str, tmp_path: Path) -> None:
    """The host refuses them: the chapter says so and goes on."""
    more = {"MINIHV_CONTAINERS": "model", "MINIHV_CACHE": str(engine.cache_folder())}
    said = run(sys.executable, notebook, tmp_path, env=more)
    compare(notebook, said)


def test_as_an_ordinary_user(home: Path) -> None:  # noqa: F811
    """Without privilege: rootless containers if the host allows them, else none."""
    python = ordinary_python()
    folder = home / "chapter-16"
    folder.mkdir()
    who: dict[str, Any] = {}
    if os.getuid() == 0:
        os.chown(folder, USER, USER)
        who = {"user": USER, "group": USER, "extra_groups": []}
    paths = os.pathsep.join([str(ROOT), sysconfig.get_paths()["purelib"]])
    cache = str(folder) if who else str(engine.cache_folder())
    # Compiles the machine, if this user's Python has not yet: a first guest waits for that.
    test = ("import anywidget, IPython, minihv.course.views.view; from minihv import guests; "
            "from minihv.vmm.run import new_machine; "
            "new_machine('hardware', memory=4 << 20).load(guests.path('hello-s')).run()")
    if subprocess.run([python, "-c", test], env={"PYTHONPATH": paths, "MINIHV_CACHE": cache,
                           "HOME": str(folder)},
                      capture_output=True, cwd="/", **who).returncode:
        pytest.skip("no Python with the course's packages that an ordinary user may execute")
    said = run(python, NOTEBOOKS[0], folder, env={"MINIHV_CACHE": cache}, **who)
    compare(NOTEBOOKS[0], said)
