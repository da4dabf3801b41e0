"""The house plan holds in the sources; and each check finds a fault that is planted for it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import house

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A tree with the least of minihv, to plant faults in."""
    (tmp_path / "minihv").mkdir()
    for name in ("__init__.py", "errors.py"):
        shutil.copy(ROOT / "minihv" / name, tmp_path / "minihv" / name)
    return tmp_path


def plant(tree: Path, name: str, source: str) -> None:
    path = tree / "minihv" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")


def test_imports_point_downward():
    assert house.wrong_imports(ROOT) == []


def test_every_room_stands_in_the_plan_once():
    rooms = [room for row in house.PLAN for room in row]
    assert len(rooms) == len(set(rooms))
    order = ["cli", "chapters", "course", "cloud", "containers", "kvm", "net", "storage", "vmm",
             "devices", "guests", "hw", "errors"]
    assert [room for room in rooms if room in order] == order


@pytest.mark.parametrize(("name", "source", "said"), [
    ("hw/planted.py", "import minihv.vmm.exits", "lies above or beside hw"),
    ("hw/planted.py", "from minihv.devices import uart", "minihv.devices.uart"),
    ("hw/planted.py", "from ..devices.virt import Machine", "minihv.devices.virt.Machine"),
    ("hw/planted.py", "from .. import vmm", "minihv.vmm"),
    ("hw/planted.py", "import minihv", "lies above"),
    ("hw/planted.py", "from minihv import Machine", "minihv.Machine"),
    ("hw/planted.py", "def f():\n    from minihv.guests import hello", ":2:"),
    ("hw/planted.py", "import importlib\nimportlib.import_module('minihv.cli')", "minihv.cli"),
    ("guests/planted.py", "import minihv.devices.virt", "lies above or beside guests"),
    ("errors.py", "import minihv.hw.isa", "lies above or beside errors"),
    ("vmm/planted.py", "import llvmlite", "imports llvmlite when imported"),
    ("vmm/planted.py", "from llvmlite.binding import Target", "imports llvmlite when imported"),
    ("vmm/planted.py", "try:\n    import threading\nexcept ImportError:\n    pass", "threading"),
    ("containers/linux.py", "class A:\n    import subprocess", "imports subprocess"),
    ("net/planted.py", "import multiprocessing.pool", "imports multiprocessing"),
    ("__init__.py", "import llvmlite", "imports llvmlite when imported"),
    ("attic/planted.py", "", "has no place in the plan"),
])
def test_a_planted_import_is_found(copy: Path, name: str, source: str, said: str):
    plant(copy, name, source)
    found = house.wrong_imports(copy)
    assert len(found) == 1
    assert found[0].startswith(f"minihv/{name}:")
    assert said in found[0]


@pytest.mark.parametrize(("name", "source"), [
    ("hw/planted.py", "from minihv.errors import MinihvError\nfrom minihv import __version__"),
    ("hw/planted.py", "from . import isa\nfrom minihv.hw.isa import *"),
    ("vmm/planted.py", "def f():\n    import llvmlite, threading"),
    ("vmm/planted.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import llvmlite"),
    ("vmm/planted.py", "from ..devices import uart\nfrom minihv import hw"),
    ("course/planted.py", "import threading, llvmlite\nfrom minihv.cloud import hosts"),
    ("cli.py", "import minihv.course\nimport minihv.tools.doctor"),
])
def test_a_right_import_is_let_through(copy: Path, name: str, source: str):
    plant(copy, name, source)
    assert house.wrong_imports(copy) == []


def test_no_imports_run_in_a_circle():
    assert house.circles(ROOT) == []


@pytest.mark.parametrize(("first", "second", "found"), [
    ("from minihv.hw import b", "def f():\n    from minihv.hw.a import x", True),
    ("import minihv.hw.b", "from . import a", True),
    ("from minihv.hw.b import f", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
     "    from minihv.hw.a import X", False),
    ("from minihv.hw import b", "from minihv.hw.c import y", False),
])
def test_a_planted_circle_is_found(tmp_path: Path, first: str, second: str, found: bool):
    for name, source in (("__init__", ""), ("a", first), ("b", second), ("c", "y = 1")):
        plant(tmp_path, f"hw/{name}.py", source)
    said = house.circles(tmp_path)
    assert said == (["imports run in a circle: minihv.hw.a > minihv.hw.b > minihv.hw.a"]
                    if found else [])  # fmt: skip


def test_the_structure_names_rooms_from_the_roof_down():
    rooms = [line.split()[0] for line in house.structure(ROOT)]
    assert rooms.index("cli") < rooms.index("course") < rooms.index("vmm") < rooms.index("hw")
    vmm = next(line for line in house.structure(ROOT) if line.startswith("vmm"))
    assert "hw" in vmm.split() and "course" not in vmm.split()


def test_errors_are_neither_hidden_nor_nameless():
    assert house.careless_errors(ROOT) == []


@pytest.mark.parametrize(("source", "said"), [
    ("try:\n    pass\nexcept:\n    pass", "planted.py:3: bare except"),
    ("raise Exception('no')", "raises Exception"),
    ("import traceback", "imports traceback"),
    ("from traceback import print_exc", "imports traceback"),
])
def test_a_planted_careless_error_is_found(tmp_path: Path, source: str, said: str):
    plant(tmp_path, "planted.py", source)
    found = house.careless_errors(tmp_path)
    assert len(found) == 1
    assert said in found[0]


def test_packages_keep_their_size():
    assert house.oversized(ROOT) == []


def test_an_outgrown_package_is_found(tmp_path: Path):
    plant(tmp_path, "net/big.py", "x = 1\n" * (house.PACKAGE_LINES + 1))
    plant(tmp_path, "hw/fits.py", "x = 1\n" * house.PACKAGE_LINES * 2)
    assert house.oversized(tmp_path) == ["net: 1501 lines of at most 1500"]
    plant(tmp_path, "vmm/inner/big.py", "x = 1\n" * house.CORE_GROWN)
    assert len(house.oversized(tmp_path)) == 2
    assert house.long_files(tmp_path)[0] == f"minihv/vmm/inner/big.py: {house.CORE_GROWN} lines"


def test_pictures_do_not_count(tmp_path: Path):
    plant(tmp_path, "net/drawn.py", '"""A picture.\n\n    a --> b\n    b --> c\n"""\n\nx = 1\n')
    assert house.lengths(tmp_path) == {"minihv/net/drawn.py": 5}


IMPORT_ALL = """
import importlib, pkgutil, sys
sys.modules["llvmlite"] = None          # import raises ImportError, as on a host without it
import minihv
for room in {rooms!r}:
    for found in pkgutil.walk_packages(minihv.__path__, "minihv."):
        if found.name.split(".")[1] == room:
            importlib.import_module(found.name)
"""



def run_python(code: str, tree: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=tree, capture_output=True, text=True,
                          timeout=120)


def import_below_course(tree: Path) -> subprocess.CompletedProcess[str]:
    rooms = [room for room in house.RANK
             if house.RANK[room] < house.RANK["course"] and (tree / "minihv" / room).is_dir()]
    return run_python(IMPORT_ALL.format(rooms=rooms), tree)


def test_rooms_below_course_import_without_llvmlite():
    done = import_below_course(ROOT)
    assert done.returncode == 0, done.stderr


def test_a_room_that_needs_llvmlite_to_import_is_found(copy: Path):
    plant(copy, "hw/__init__.py", "")
    assert import_below_course(copy).returncode == 0
    plant(copy, "hw/planted.py", "import llvmlite")
    done = import_below_course(copy)
    assert done.returncode == 1
    assert "llvmlite" in done.stderr


def test_the_front_door_brings_nothing_heavy():
    heavy = ["llvmlite", "matplotlib", "ipywidgets", "IPython", "elftools"]
    done = run_python(f"import sys, minihv; print([m for m in {heavy} if m in sys.modules])")
    assert done.stdout.strip() == "[]", done.stderr
