"""`minihv check` on other people's notebooks: hostile ones beside honest ones, by the command line.

Each kind of host is tried that this one can be: root, and an ordinary user.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minihv.containers.linux import cgroups
from minihv.course.judging import confined
from minihv.course.judging.judge import is_own
from minihv.course.judging.kernel import Kernel
from minihv.errors import MinihvError
from minihv.hw import engine
from tests.answers.variants import source
from tests.containers.conftest import ROOT, USER, ordinary_python, outside  # noqa: F401
from tests.course.hostile import HOSTILE, WRONG
from tests.course.test_judge import book
from tests.tiers import count

IMPORTS = "from minihv.course import check, hint, instance"
CHECK = 'check("01.4", count_misses, because)'
RIGHT = source("01.4")
# One of each kind for the quick tier: the judge, processes, files, replies, the terminal, the next.
FEW = ("rewrites_the_judge", "kills_each", "leaves_daemons", "searches_for_secrets", "calls_home",
       "leaves_something_for_the_next", "poisons_the_cache", "forges_replies", "closes_all",
       "steers_the_terminal")
NAMES = count(FEW, tuple(HOSTILE), tuple(HOSTILE))
HONEST = count(3, 10, 20)


@pytest.fixture(scope="module", autouse=True)
def allowed() -> None:
    """Skip where the host allows no container."""
    try:
        with confined.rooms() as start:
            Kernel(start).close()
    except MinihvError as error:
        pytest.skip(str(error))


class Place:
    """Folders of a grader, and how a command runs there."""

    def __init__(self, folder: Path, user: dict[str, Any], python: str, cache: Path):
        self.folder, self.user, self.python = folder, user, python
        self.pile, self.temporary = folder / "pile", folder / "tmp"
        self.pile.mkdir()
        self.temporary.mkdir()
        (folder / "token").write_text("hunter2")
        paths = os.pathsep.join([str(ROOT), sysconfig.get_paths()["purelib"]])
        self.env = {"PATH": os.environ["PATH"], "PYTHONPATH": paths, "HOME": str(folder),
                    "MINIHV_CACHE": str(cache), "API_TOKEN": "hunter2",
                    "TMPDIR": str(self.temporary), "PYTHONDONTWRITEBYTECODE": "1"}
        if user:
            for path in (folder, self.pile, self.temporary, folder / "token"):
                os.chown(path, USER, USER)

    def check(self, *more: str) -> subprocess.CompletedProcess[str]:
        """`minihv check` on the pile."""
        paths = sorted(str(path) for path in self.pile.glob("*.ipynb"))
        command = [self.python, "-m", "minihv", "check", *more, *paths]
        return subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True,
                              text=True, timeout=900, **self.user)


@pytest.fixture(params=["as we are", "as an ordinary user"])
def place(request: pytest.FixtureRequest, outside: Path) -> Iterator[Place]:  # noqa: F811
    if request.param == "as we are":
        yield Place(outside, {}, sys.executable, engine.cache_folder())
        return
    if os.getuid():
        pytest.skip("we are one already")
    python = ordinary_python()
    folder = outside / "grader"
    folder.mkdir()
    user = {"user": USER, "group": USER, "extra_groups": []}
    place = Place(folder, user, python, folder / "cache")
    engine.MACHINE.link()
    (folder / "cache").mkdir(mode=0o700)
    for path in engine.MACHINE.files():  # not compiled again, for it would take time
        shutil.copy2(path, folder / "cache")
    os.chown(folder / "cache", USER, USER)
    if subprocess.run([python, "-c", "import IPython, llvmlite"], env=place.env, cwd="/",
                      capture_output=True, **user).returncode:
        pytest.skip("no Python with the course's packages that an ordinary user may execute")
    yield place


def state_outside(place: Place) -> dict[str, Any]:
    """What no submission may change: our sources, the compiled machine, the grader's folder."""
    cache = Path(place.env["MINIHV_CACHE"])
    paths = [*(cache / path.name for path in engine.MACHINE.files()), *place.pile.iterdir(),
             *(ROOT / "minihv").rglob("*.py"), *(ROOT / "minihv").rglob("*.toml"),
             *(ROOT / "solutions").iterdir()]
    files = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
             if path.is_file()}
    kept = {path.name for path in place.folder.iterdir()} - {"cache", ".cache"}
    return {"files": files, "folder": kept, "judges": os.listdir(place.temporary)}


def cgroups_of_containers() -> set[str]:
    """The groups that containers made."""
    return {found for place in map(cgroups.own_group, set(cgroups.CONTROLLER.values())) if place
            for found in os.listdir(place[0]) if found.startswith("minihv-")}


def left_running(folder: Path) -> list[str]:
    """Processes whose root is laid over what is in a folder."""
    return [pid for pid in filter(str.isdigit, os.listdir("/proc"))
            if f"lowerdir={folder}" in cgroups.read(f"/proc/{pid}/mountinfo")]


def test_hostile_notebooks_gain_nothing_and_honest_ones_lose_nothing(place: Place) -> None:
    book(place.pile / "00i.ipynb", IMPORTS, RIGHT, CHECK)
    place.check()  # what is compiled or made once
    for number, name in enumerate(NAMES):
        book(place.pile / f"{number:02}h_{name}.ipynb", IMPORTS, WRONG, HOSTILE[name], CHECK)
    for number in range(HONEST):
        book(place.pile / f"{3 * number:02}i.ipynb", IMPORTS, RIGHT, CHECK)
    before = state_outside(place)
    done = place.check("--jobs", "2", "--json", "--cell-seconds", "4", "--total-seconds", "40")
    assert done.returncode == 1, done.stderr
    reports = {Path(one["notebook"]).stem: one for one in json.loads(done.stdout)["notebooks"]}
    assert len(reports) == len(NAMES) + HONEST
    for name, report in reports.items():
        wanted = 4 if name.endswith("i") else 0
        assert (report["points"], report["error"]) == (wanted, ""), (name, report)
        for note in report["notes"]:
            assert "found: " not in note or "found: []" in note, (name, note)
    assert state_outside(place) == before
    assert left_running(place.temporary) == []


def test_a_batch_prints_a_line_each_and_a_table_for_a_spreadsheet(place: Place) -> None:
    book(place.pile / "=1+1.ipynb", IMPORTS, RIGHT, CHECK)
    blank = "def count_misses(*_):\n    raise NotImplementedError"
    book(place.pile / "blank.ipynb", IMPORTS, blank, CHECK, HOSTILE["steers_the_terminal"])
    (place.pile / "broken.ipynb").write_text("{")
    lines = place.check("--seed", "3").stdout.splitlines()
    assert len(lines) == 4
    assert any("4 of 4 points" in line for line in lines)
    assert any("0 of 4 points" in line for line in lines)
    assert any("is no notebook any more" in line for line in lines)
    assert lines[-1].startswith("Judged with --seed 3")
    table = place.check("--csv").stdout.splitlines()
    assert table[0] == "notebook,exercise,points,of,says"
    assert len(table) == 4
    details = place.check("--details").stdout
    assert "Nasty" in details
    assert all(c.isprintable() or c == "\n" for c in details)


def test_what_a_submission_sees_has_no_checks(tmp_path: Path) -> None:
    """Of the package all but what decides; whatever is added to it later, too."""
    rooms = confined.Rooms()
    try:
        files = {str(p.relative_to(rooms.base / "course/minihv"))
                 for p in (rooms.base / "course/minihv").rglob("*")}
        assert "course/beside.py" in files
        assert not [name for name in files if "checks" in name or "solution" in name]
        assert {name for name in files if name.startswith("course/judging/")} == {
            "course/judging/__init__.py", "course/judging/cells.py"}
        assert not {"course/books", "course/verdicts.py"} & files
        shown = [source for source, _ in rooms.trees]
        assert not any(str(ROOT / "minihv").startswith(path + "/") for path in shown)
        box = Kernel(rooms.start)
        assert left_running(rooms.folder)           # so it can be seen, if one is left
        box.close()
        assert not left_running(rooms.folder)
    finally:
        rooms.close()
    assert not rooms.folder.exists()


def test_whose_a_notebook_is(tmp_path: Path) -> None:
    own = sorted((ROOT / "exercises").glob("*.ipynb"))
    assert own and all(map(is_own, own))
    (tmp_path / "exercises").mkdir()
    assert not is_own(tmp_path / "exercises/01_the_machine.ipynb")
    assert not is_own(ROOT / "solutions/01_the_machine.ipynb")
    assert not is_own(ROOT / "exercises/submitted/01_the_machine.ipynb")


def test_a_host_without_containers_says_so_in_a_line(tmp_path: Path) -> None:
    place = Place(tmp_path, {}, sys.executable, engine.cache_folder())
    book(place.pile / "01_x.ipynb", IMPORTS)
    place.env["MINIHV_CONTAINERS"] = "model"
    done = place.check()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "--unsafe" in done.stderr
    done = place.check("--unsafe")
    assert done.returncode == 1 and "0 of 17 points" in done.stdout


def test_a_judge_that_was_killed_leaves_nothing_for_long() -> None:
    code = ("import os\nfrom minihv.course.judging.confined import Rooms\nrooms = Rooms()\n"
            "kept = rooms.start(*os.pipe())\nprint(rooms.folder, flush=True)\n"
            "os.kill(os.getpid(), 9)")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    folder = Path(done.stdout.strip())
    assert folder.name.startswith(confined.PREFIX)
    end = time.monotonic() + 30     # the kernel ends them, which takes a moment
    while left_running(folder) and time.monotonic() < end:
        time.sleep(0.05)
    assert not left_running(folder)
    identities = {path.name for path in (folder / "store/containers").iterdir()}
    confined.Rooms().close()
    assert not folder.exists()
    assert not {f"minihv-{identity}" for identity in identities} & cgroups_of_containers()


def test_a_file_costs_its_own_line_only(place: Place) -> None:
    """Whatever lies among the notebooks, or what it is called."""
    book(place.pile / "honest.ipynb", IMPORTS, RIGHT, CHECK)
    book(place.pile / "01_c\n01_victim.ipynb: 17 of 17 points\n\x1b[31m.ipynb", IMPORTS, CHECK)
    (place.pile / "gone.ipynb").symlink_to("nowhere")
    (place.pile / "linked.ipynb").symlink_to(ROOT / "solutions/01_the_machine.ipynb")
    os.mkfifo(place.pile / "pipe.ipynb")
    (place.pile / "folder.ipynb").mkdir()
    (place.pile / "wide.ipynb").write_text('{"cells":[' + "{}," * 500_000 + "{}]}")
    deep = '{"cells":[],"metadata":{"x":[' + "[]," * count(10, 20, 20) * 1_000_000 + "0]}}"
    (place.pile / "deep.ipynb").write_text(deep)
    book(place.pile / "long.ipynb", "if 0:\n x=[" + "a," * 3_000_000 + "]", CHECK)
    lines = place.check().stdout.splitlines()
    assert len(lines) == 10                 # nine, and the seed's
    assert [line for line in lines if "4 of 4 points" in line] != []
    assert all(c.isprintable() for line in lines for c in line)
    assert not [line for line in lines if line.startswith("01_victim")]
    assert [line for line in lines if "linked.ipynb" in line and "it is a link" in line]
    assert [line for line in lines if "pipe.ipynb" in line and "it is a pipe" in line]
    assert [line for line in lines if "wide.ipynb" in line and "500,001 cells" in line]
    assert "\x1b" not in place.check("--csv").stdout


def test_an_interrupt_ends_it_soon(place: Place) -> None:
    for number in range(3):
        book(place.pile / f"{number}.ipynb", IMPORTS, HOSTILE["swallows_every_end"], CHECK)
    paths = sorted(str(path) for path in place.pile.iterdir())
    command = [place.python, "-m", "minihv", "check", *paths]
    with subprocess.Popen(command, cwd=place.folder, env=place.env, stderr=subprocess.PIPE,
                          text=True, **place.user) as running:
        while len(left_running(place.temporary)) < 4:  # two at least, each with its init
            assert running.poll() is None
            time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=40)
    assert running.returncode == 130
    assert said.endswith("minihv: interrupted\n") and "Traceback" not in said
    assert left_running(place.temporary) == [] and os.listdir(place.temporary) == []


def test_a_link_to_an_own_notebook_is_not_ones_own(tmp_path: Path) -> None:
    link = tmp_path / "01_the_machine.ipynb"
    link.symlink_to(ROOT / "exercises/01_the_machine.ipynb")
    assert not is_own(link)


def test_a_course_below_what_is_shown_is_covered(monkeypatch: pytest.MonkeyPatch,
                                                 tmp_path: Path) -> None:
    """A checkout in /usr/local, say, with its history."""
    monkeypatch.setattr(confined, "ROOT", Path("/usr/share"))
    monkeypatch.setattr(Path, "is_dir", lambda path: True)
    rooms = confined.Rooms()
    rooms.close()
    assert rooms.trees[-1] == (str(rooms.base / "empty"), "/usr/share")
