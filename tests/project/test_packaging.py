"""pyproject.toml, constraints.txt and environment.yml agree, and git holds no registry's traces."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.project import packaging_rules as rules

ROOT = Path(__file__).parents[2]
FILES = ("pyproject.toml", "constraints.txt", "environment.yml")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_constraints_are_pins():
    assert rules.malformed_pins(ROOT) == []


@pytest.mark.parametrize("line", ["numpy>=2", "x @ file:///x.whl", "--index-url y", "", "# z",
                                  "NumPy==1.0", 'llvmlite==0.1 ; sys_platform == "linux"'])
def test_another_kind_of_line_is_found(copy: Path, line: str):
    with (copy / "constraints.txt").open("a") as file:
        file.write(line + "\n")
    assert line in rules.malformed_pins(copy)


def test_every_direct_dependency_is_pinned():
    assert rules.unpinned(ROOT) == []


def test_a_missing_pin_is_found(copy: Path):
    pins = (copy / "constraints.txt").read_text().splitlines()
    kept = [pin for pin in pins if not pin.startswith(("llvmlite==", "ziglang=="))]
    (copy / "constraints.txt").write_text("\n".join(kept) + "\n")
    assert rules.unpinned(copy) == ["llvmlite", "ziglang"]


@pytest.mark.skipif(Path(sys.prefix) != ROOT / ".venv", reason="not in the project's own .venv")
def test_what_is_installed_is_what_is_pinned():
    installed = {rules.plain(d.metadata["Name"]): d.version for d in metadata.distributions()}
    pinned = rules.pins(ROOT)
    direct = [rules.parsed(item)[0] for item in rules.project(ROOT)["dependencies"]]
    for name in direct:
        assert (name, installed.get(name)) == (name, pinned[name])


def test_the_required_dependencies_are_there():
    names = {rules.parsed(item)[0] for item in rules.project(ROOT)["dependencies"]}
    assert {"jupyterlab", "ipywidgets", "numpy", "nbval"} <= names


@pytest.mark.parametrize(("below", "extras"), [
    ("minihv", ("guests", "containers", "bench", "nbgrader")),
    ("tests", ("guests", "containers", "test", "bench"))])
def test_every_import_is_declared(below: str, extras: tuple[str, ...]):
    assert rules.undeclared(ROOT, below, extras) == []


def test_an_undeclared_import_is_found(copy: Path):
    (copy / "minihv").mkdir()
    (copy / "minihv" / "a.py").write_text("import os, numpy.linalg\nimport scipy.linalg")
    (copy / "minihv" / "b.py").write_text("def f():\n    import ruff, unicorn, llvmlite")
    assert rules.undeclared(copy, "minihv", ("bench",)) == ["ruff", "scipy"]


def test_environment_equals_pyproject():
    assert rules.environment_differences(ROOT) == []


@pytest.mark.parametrize(("old", "new", "named"), [
    ("  - llvmlite>=0.45\n", "", "llvmlite"),
    ("numpy>=2.0", "numpy>=1.0", "numpy"),
    ("  - pip\n", "  - pip\n  - scipy\n", "scipy"),
    ("python>=3.11", "python>=3.9", "python"),
    ("--editable .", "requests", "pip section"),
])
def test_a_planted_difference_is_found(copy: Path, old: str, new: str, named: str):
    edit(copy / "environment.yml", old, new)
    found = rules.environment_differences(copy)
    assert len(found) == 1
    assert found[0].startswith(named)


def test_git_holds_no_lock_file_and_no_registry_host():
    assert rules.registry_traces(ROOT) == []


def test_planted_traces_are_found(tmp_path: Path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "uv.lock").write_text("")
    (tmp_path / "a.txt").write_text("https://files." + "PythonHosted" + ".org/x")
    (tmp_path / "b.txt").write_text("nothing")
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    found = rules.registry_traces(tmp_path)
    assert [line.split(":")[0] for line in found] == ["a.txt", "uv.lock"]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the list of files in git")
def test_the_sdist_is_a_whole_checkout(tmp_path: Path):
    """But for what only git and CI read: so its tests collect, and its notebooks can be learned."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)],
                   cwd=ROOT, check=True, capture_output=True, timeout=120)
    (archive,) = tmp_path.glob("minihv-*.tar.gz")
    with tarfile.open(archive) as file:
        names = {name.split("/", 1)[1] for name in file.getnames() if "/" in name}
    left_out = {name for name in rules.tracked(ROOT) if (ROOT / name).exists()} - names
    assert left_out == {".ci/run", ".gitattributes"}


def test_the_wheel_carries_guests_and_licences(tmp_path: Path):
    """Builds a wheel without a network, from a copy with one image and one view's script."""
    pytest.importorskip("hatchling", reason="hatchling is not installed (make test installs it)")
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-text", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "minihv", tmp_path / "minihv",
                    ignore=shutil.ignore_patterns("__pycache__"))
    for data in ("guests/bin/planted.elf", "chapters/ch01/views/planted.js"):
        (tmp_path / "minihv" / data).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "minihv" / data).write_bytes(b"x")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=tmp_path,
                   check=True, capture_output=True, timeout=120,
                   env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"})
    (wheel,) = (tmp_path / "dist").glob("minihv-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "minihv/guests/bin/planted.elf" in names
    assert "minihv/chapters/ch01/views/planted.js" in names
    assert any(name.endswith("licenses/LICENSE-text") for name in names)
