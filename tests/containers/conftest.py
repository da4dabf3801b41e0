"""What this host allows, a busybox image, and an ordinary user to be."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minihv.containers.images import ContainerError, Store
from minihv.containers.linux.runtime import records
from minihv.containers.linux.runtime.session import Session

ROOT = Path(__file__).parents[2]
USER = 64123  # an unprivileged user made for these tests: an id that no one else has


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A home directory of a store."""
    path = Path(tempfile.mkdtemp(prefix="minihv-test-"))
    path.chmod(0o755)
    yield path
    records.delete(path)


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that other users may pass through, as they may not through a store."""
    path = Path(tempfile.mkdtemp(prefix="minihv-test-"))
    path.chmod(0o755)
    yield path
    records.delete(path)


@pytest.fixture(scope="session")
def store(home: Path) -> Store:
    """A store that holds busybox."""
    store = Store(home)
    try:
        store.find("busybox")
    except ContainerError as error:
        pytest.skip(str(error))
    return store


@pytest.fixture(scope="session")
def session(store: Store) -> Iterator[Session]:
    """A session on a host that can run containers."""
    with Session(store) as session:
        try:
            session.run("busybox", ["true"]).close()
        except ContainerError as error:
            pytest.skip(str(error))
        yield session


@pytest.fixture(params=["root", "rootless"])
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Options of Session.run: with all of root's rights, and with a user namespace."""
    if request.param == "root" and os.getuid():
        pytest.skip("not root here")
    return {"rootless": request.param == "rootless"}


def command(home: Path, *args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """`minihv container ARGS`."""
    argv = [sys.executable, "-m", "minihv", "container", *args]
    return subprocess.run(argv, env=environment(home), capture_output=True, text=True,
                          timeout=60, cwd=ROOT, **options)


def environment(home: Path) -> dict[str, str]:
    """The environment of a command."""
    return os.environ | {"MINIHV_HOME": str(home), "PYTHONPATH": str(ROOT)}


def ordinary_python() -> str:
    """A Python that an ordinary user can run on sources that it can read, or skip."""
    if os.getuid():
        return sys.executable
    for python in (sys.executable, "/usr/bin/python3"):
        version = "import sys; open(sys.argv[1]); sys.exit(sys.version_info < (3, 11))"
        if Path(python).exists():
            try:
                if subprocess.run([python, "-c", version, str(ROOT / "pyproject.toml")],
                                  user=USER, group=USER, extra_groups=[], cwd="/",
                                  stderr=subprocess.DEVNULL).returncode == 0:
                    return python
            except PermissionError:
                continue
    pytest.skip("no Python 3.11, or sources, that an ordinary user may use")
