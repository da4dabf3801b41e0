"""scripts/venv.sh: installs once, again when it must, and says in one line what is missing.

A pretended Python stands for the real one: it notes what it is asked, and "installs" nothing.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "dirname", "cat", "touch", "mkdir", "rm", "cp", "chmod", "sleep")

PRETENDED = f"""#!/bin/sh
case "$*" in
    *"version_info < (3, 11)"*) [ -z "$PRETEND_OLD" ] ;;
    *"version_info < (3, 15)"*) [ -z "$PRETEND_OLD" ] && [ "$0" != "${{0%/*}}/$PRETEND_NEW" ] ;;
    *"import venv, ensurepip"*) [ -z "$PRETEND_NO_VENV" ] ;;
    *"-m venv --clear "*)
        echo venv >>"$PRETEND_LOG"
        for target in "$@"; do :; done      # the last argument
        rm -rf "$target"; mkdir -p "$target/bin"
        cp "$0" "$target/bin/python" ;;
    *"-m pip --version"*) true ;;
    *"-m pip install"*)
        for what in "$@"; do :; done
        echo "install $what" >>"$PRETEND_LOG"
        sleep "${{PRETEND_SECONDS:-0}}"
        [ -z "$PRETEND_FAILURE" ] || {{ echo "$PRETEND_FAILURE" >>.venv/pip.log; exit 1; }} ;;
    *) exec "{sys.executable}" "$@" ;;
esac
"""


class Checkout:
    """A folder with the script and what it reads, and a PATH that holds only what we put there."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.log = folder / "log"
        self.log.touch()
        self.tools = folder / "tools"
        self.tools.mkdir()
        for tool in TOOLS:
            (self.tools / tool).symlink_to(str(shutil.which(tool)))
        (folder / "scripts").mkdir()
        for name in ("scripts/venv.sh", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder / name)

    def add_tool(self, name: str, text: str = "#!/bin/sh\n") -> None:
        (self.tools / name).write_text(text)
        (self.tools / name).chmod(0o755)

    def run(self, purpose: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.tools / "sh"), "scripts/venv.sh", purpose], cwd=self.folder,
            capture_output=True, text=True, timeout=60,
            env={"PATH": str(self.tools), "PRETEND_LOG": str(self.log)} | variables)

    def start(self, purpose: str, **variables: str) -> subprocess.Popen[str]:
        """The script at work, in a process group of its own."""
        return subprocess.Popen(
            [str(self.tools / "sh"), "scripts/venv.sh", purpose], cwd=self.folder,
            stderr=subprocess.DEVNULL, text=True, start_new_session=True,
            env={"PATH": str(self.tools), "PRETEND_LOG": str(self.log)} | variables)

    def done(self) -> list[str]:
        """What was asked of Python since the last call."""
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        return lines


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    if os.name != "posix":
        pytest.skip("needs a POSIX shell")
    made = Checkout(tmp_path / "ein Ordner für minihv")
    made.add_tool("python3", PRETENDED)
    return made


@pytest.fixture(autouse=True)
def folder_with_a_space(tmp_path: Path) -> None:
    (tmp_path / "ein Ordner für minihv").mkdir()


def test_installs_once(checkout: Checkout):
    assert checkout.run("lab").returncode == 0
    assert checkout.done() == ["venv", "install ."]
    again = checkout.run("lab")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert checkout.done() == []


def test_the_larger_purpose_serves_the_smaller(checkout: Checkout):
    checkout.run("test")
    assert checkout.done() == ["venv", "install .[guests,containers,test,bench]"]
    for purpose in ("lab", "guests", "bench", "test"):
        checkout.run(purpose)
    assert checkout.done() == []


def test_the_smaller_purpose_does_not_serve_the_larger(checkout: Checkout):
    checkout.run("lab")
    checkout.run("test")
    assert checkout.done() == ["venv", "install .", "install .[guests,containers,test,bench]"]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "scripts/venv.sh"])
def test_a_changed_file_means_another_install(checkout: Checkout, name: str):
    checkout.run("lab")
    checkout.done()
    with (checkout.folder / name).open("a") as file:
        file.write("# changed\n")
    checkout.run("lab")
    assert checkout.done() == ["install ."]


def test_a_moved_checkout_means_another_install(checkout: Checkout, tmp_path: Path):
    checkout.run("lab")
    checkout.done()
    moved = tmp_path / "moved"
    checkout.folder.rename(moved)
    checkout.folder, checkout.tools, checkout.log = moved, moved / "tools", moved / "log"
    checkout.run("lab")
    assert checkout.done() == ["install ."]


def test_a_failed_install_is_told_and_done_anew(checkout: Checkout):
    failed = checkout.run("lab", PRETEND_FAILURE="WARNING: Retrying (Retry(total=4")
    assert failed.returncode == 1
    assert "check the network" in failed.stderr.splitlines()[-1]
    assert checkout.done() == ["venv", "install ."]
    later = checkout.run("lab")
    assert later.returncode == 0
    assert "interrupted" in later.stderr
    assert checkout.done() == ["venv", "install ."]
    assert checkout.run("lab").stderr == ""


@pytest.mark.parametrize(("log", "said"), [
    ("WARNING: Retrying (Retry(total=0\nERROR: No matching distribution", "check the network"),
    ("ERROR: No matching distribution found for numpy==2.0.0", "no ready-made file for Python 3"),
    ("ERROR: No space left on device", "all of its log: .venv/pip.log"),
])
def test_a_failed_install_says_why(checkout: Checkout, log: str, said: str):
    failed = checkout.run("lab", PRETEND_FAILURE=log)
    assert failed.returncode == 1
    assert said in failed.stderr.splitlines()[-1]


def test_two_set_ups_at_once_wait_for_each_other(checkout: Checkout):
    first = checkout.start("lab", PRETEND_SECONDS="3")
    while "install" not in checkout.log.read_text():
        assert first.poll() is None
        time.sleep(0.01)
    second = checkout.run("test")
    assert first.wait(60) == second.returncode == 0
    assert f"waiting for process {first.pid}, which sets up .venv for 'lab'," in second.stderr
    assert "interrupted" not in second.stderr
    assert checkout.done() == ["venv", "install .", "install .[guests,containers,test,bench]"]


def test_the_lock_goes_with_a_killed_holder(checkout: Checkout):
    holder = checkout.start("lab", PRETEND_SECONDS="60")
    while "install" not in checkout.log.read_text():
        time.sleep(0.01)
    os.killpg(holder.pid, signal.SIGKILL)
    holder.wait(60)
    checkout.done()
    later = checkout.run("lab")
    assert (later.returncode, "waiting" in later.stderr) == (0, False)
    assert checkout.done() == ["venv", "install ."]


def test_a_venv_whose_python_went_away_is_made_anew(checkout: Checkout):
    checkout.run("lab")
    (checkout.folder / ".venv" / "bin" / "python").unlink()
    checkout.done()
    assert checkout.run("lab").returncode == 0
    assert checkout.done() == ["venv", "install ."]


@pytest.mark.parametrize(("missing", "said"), [
    ("PRETEND_OLD", "needs Python 3.11 or newer, found none"),
    ("PRETEND_NO_VENV", "python3 has no venv or ensurepip module"),
])
@pytest.mark.parametrize(("manager", "command"), [
    ("apt-get", "apt install python3 python3-venv"), ("dnf", "dnf install"),
    ("brew", "brew install python"), ("apk", "apk add python3"), ("no-manager", "install Python"),
])
def test_a_lacking_python_is_one_line(checkout: Checkout, missing: str, said: str, manager: str,
                                      command: str):
    checkout.add_tool(manager)
    done = checkout.run("lab", **{missing: "1"})
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr and command in done.stderr


def test_no_python_at_all_is_one_line(checkout: Checkout):
    (checkout.tools / "python3").unlink()
    done = checkout.run("lab")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "needs Python 3.11" in done.stderr


def test_an_older_python3_beside_a_newer_one(checkout: Checkout):
    checkout.add_tool("python3", "#!/bin/sh\nexit 1\n")
    checkout.add_tool("python3.12", PRETENDED)
    assert checkout.run("lab").returncode == 0
    assert checkout.done() == ["venv", "install ."]


def test_a_tested_python_comes_before_a_newer_one(checkout: Checkout):
    checkout.add_tool("python3.12", PRETENDED.replace("echo venv", "echo venv by 3.12"))
    assert checkout.run("lab", PRETEND_NEW="python3").returncode == 0
    assert checkout.done() == ["venv by 3.12", "install ."]


def test_a_python_that_is_too_new_is_tried_and_told(checkout: Checkout):
    done = checkout.run("lab", PRETEND_NEW="python3")
    assert done.returncode == 0
    assert "is newer than what minihv is tested with (3.11 to 3.14)" in done.stderr
    assert checkout.done() == ["venv", "install ."]


def test_an_unknown_purpose_is_bad_usage(checkout: Checkout):
    done = checkout.run("launch")
    assert done.returncode == 2
    assert "unknown purpose 'launch'" in done.stderr
