"""What the packaging files must agree on, checked over a folder (so that faults can be planted)."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from packaging.markers import Marker

from tests.project.house import imports

# Written in parts, so that this file names no host itself.
REGISTRY_HOSTS = tuple(".".join(parts) for parts in (
    ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"),
    ("yarnpkg", "com"), ("anaconda", "org"), ("crates", "io"), ("deb", "debian", "org"),
    ("docker", "io"), ("ghcr", "io"), ("golang", "org"), ("rubygems", "org"),
))
LOCK_FILES = frozenset({
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "poetry.lock",
    "uv.lock", "pdm.lock", "Pipfile.lock", "Cargo.lock", "conda-lock.yml", "pylock.toml",
})
# What a direct dependency is made of and cannot be without: Jupyter's own parts.
WITH_ANOTHER = frozenset({"IPython", "ipykernel", "jupyter_client", "nbclient", "nbformat",
                          "pygments", "traitlets"})
PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.+!]+)(?: ; (.+))?")
SYSTEMS = tuple({"sys_platform": system, "platform_machine": machine} for system, machine in (
    ("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("darwin", "x86_64"),
    ("win32", "AMD64")))
REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^]]*\])?\s*(.*)")


def project(folder: Path) -> dict[str, Any]:
    table = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    return table["project"]


def plain(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parsed(requirement: str) -> tuple[str, str]:
    """The name and the version range of a requirement."""
    match = REQUIREMENT.fullmatch(requirement.strip())
    if not match:
        raise ValueError(f"not a requirement: {requirement!r}")
    return plain(match[1]), match[3].replace(" ", "")


def pins(folder: Path) -> dict[str, str]:
    """The version that constraints.txt pins for each name on this system."""
    lines = (folder / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [match.groups() for match in map(PIN.fullmatch, lines) if match]
    return {plain(name): version for name, version, marker in found
            if not marker or Marker(marker).evaluate()}


def malformed_pins(folder: Path) -> list[str]:
    """Lines of constraints.txt that are not name==version, with or without a marker, and those
    that pin a name once more where another pin of it holds."""
    wrong, seen = [], set()
    for line in (folder / "constraints.txt").read_text(encoding="utf-8").splitlines():
        match = PIN.fullmatch(line)
        if not match:
            wrong.append(line)
            continue
        name, _, marker = match.groups()
        for system in SYSTEMS:
            if not marker or Marker(marker).evaluate(system):
                key = (plain(name), *system.values())
                if key in seen and line not in wrong:
                    wrong.append(line)
                seen.add(key)
    return wrong


def unpinned(folder: Path) -> list[str]:
    """Direct dependencies, extras and build tools among them, without a pin."""
    about = project(folder)
    build = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["build-system"]
    wanted = list(about["dependencies"]) + build["requires"]
    for extra in about["optional-dependencies"].values():
        wanted += extra
    pinned = pins(folder)
    return sorted({name for name, _ in map(parsed, wanted) if name not in pinned})


def environment_differences(folder: Path) -> list[str]:
    """Where environment.yml asks for something else than pyproject.toml."""
    about = project(folder)
    listed = yaml.safe_load((folder / "environment.yml").read_text("utf-8"))["dependencies"]
    by_conda = dict(parsed(item) for item in listed if isinstance(item, str))
    by_pip = [item for group in listed if isinstance(group, dict) for item in group["pip"]]
    wanted = dict(map(parsed, about["dependencies"])) | {
        "python": about["requires-python"], "pip": ""}
    names = sorted(wanted.keys() | by_conda.keys())
    wrong = [f"{name}: pyproject.toml {wanted.get(name, 'does not list it')!r}, "
             f"environment.yml {by_conda.get(name, 'does not list it')!r}"
             for name in names if wanted.get(name) != by_conda.get(name)]
    if by_pip != ["--editable ."]:
        wrong.append(f"pip section: {by_pip}, but only minihv itself comes by pip")
    return wrong


def imported(folder: Path, below: str) -> set[str]:
    """The third-party top-level modules that Python files under `below` import anywhere."""
    found = set()
    for path in (folder / below).rglob("*.py"):
        found |= {item.module.split(".")[0]
                  for item in imports(path.read_text(encoding="utf-8"), ["minihv"])}
    return found - set(sys.stdlib_module_names) - {"minihv", "tests"}


def undeclared(folder: Path, below: str, extras: tuple[str, ...]) -> list[str]:
    """Modules imported under `below` that neither pyproject.toml nor these extras bring."""
    about = project(folder)
    wanted = list(about["dependencies"])
    for extra in extras:
        wanted += about["optional-dependencies"][extra]
    declared = {parsed(item)[0] for item in wanted}
    makers = metadata.packages_distributions()
    return sorted(module for module in imported(folder, below) - WITH_ANOTHER
                  if not declared & {plain(name) for name in makers.get(module, [module])})


def tracked(folder: Path) -> list[str]:
    """Paths of the files in git, or of all files where there is no git."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=folder, capture_output=True, check=False)
    if done.returncode:
        return [path.relative_to(folder).as_posix()
                for path in folder.rglob("*") if path.is_file()]
    return [name.decode() for name in done.stdout.split(b"\0") if name]


def registry_traces(folder: Path) -> list[str]:
    """Lock files, and files that name a package registry's host."""
    hosts = re.compile("|".join(map(re.escape, REGISTRY_HOSTS)).encode(), re.IGNORECASE)
    wrong = []
    for name in tracked(folder):
        path = folder / name
        if path.name in LOCK_FILES:
            wrong.append(f"{name}: a lock file")
        elif path.is_file() and (match := hosts.search(path.read_bytes())):
            wrong.append(f"{name}: names the registry host {match[0].decode()}")
    return wrong
