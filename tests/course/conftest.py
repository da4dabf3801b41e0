"""No test may touch the learner's own progress: state goes into a folder of its own.

Set when this file is imported, so that kernels of notebook tests in the same run inherit it.
"""

import os
import tempfile
from pathlib import Path

import pytest

from minihv.course import state

_folder = tempfile.TemporaryDirectory(prefix="minihv-tests-")
os.environ["MINIHV_STATE"] = str(Path(_folder.name) / "progress.json")


@pytest.fixture
def state_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state's path, in an empty folder of this test."""
    path = tmp_path / "state" / "progress.json"
    monkeypatch.setenv("MINIHV_STATE", str(path))
    monkeypatch.setattr(state, "_unsaved", None)
    return path
