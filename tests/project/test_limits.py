"""tests/limits.py: whatever hangs, a run of pytest ends and says so."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HANGING = """
import subprocess, sys

def test_hangs_with_a_child():
    command = [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(600)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        child.stdout.read()     # up to the end, which does not come
        assert child.wait() == 0

def test_after_it():
    pass
"""


def run(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\npytest_plugins = ['tests.limits']\n")
    (folder / "test_hanging.py").write_text(HANGING)
    return subprocess.run([sys.executable, "-m", "pytest", "-q", *options], cwd=folder, text=True,
                          capture_output=True, timeout=240, env=os.environ | variables)


@pytest.fixture(autouse=True)
def alarms() -> None:
    if not hasattr(signal, "SIGALRM"):
        pytest.skip("this system has no alarm signal")


def test_a_test_that_hangs_fails_and_the_next_one_runs(tmp_path: Path):
    done = run(tmp_path, MINIHV_TEST_SECONDS="2")
    assert done.returncode == 1
    assert "TookTooLong: the test took more than 2 s" in done.stdout
    assert "1 failed, 1 passed" in done.stdout


def test_a_whole_run_has_an_end(tmp_path: Path):
    done = run(tmp_path, "-n", "1", MINIHV_TEST_MINUTES="0.1")
    assert done.returncode == 1
    assert "the run took more than 0.1 minutes; it was at" in done.stdout + done.stderr


def test_what_no_signal_reaches_ends_with_its_worker_and_says_where(tmp_path: Path):
    (tmp_path / "test_native.py").write_text("def test_deaf():\n    sum(range(10**15))\n")
    done = run(tmp_path, "-n", "1", "--max-worker-restart=0", "test_native.py",
               MINIHV_TEST_SECONDS="1", MINIHV_TEST_GRACE="1")  # fmt: skip
    assert done.returncode == 1
    assert "where gw0 hung" in done.stdout and "in test_deaf" in done.stdout
    assert "1 failed" in done.stdout
