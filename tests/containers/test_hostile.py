"""Images that mean harm, and callers that leave doors open; only decoys made here are at stake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minihv.containers.images import ContainerError, Image, Store
from minihv.containers.linux.runtime import records
from minihv.containers.linux.runtime.session import Session
from minihv.containers.linux.runtime.spec import make_spec
from minihv.tools import container
from tests.containers.conftest import ROOT, command, environment
from tests.containers.test_images import layout, tar_of
from tests.containers.test_runtime import wait_for

SYMLINK = b"2"


@pytest.fixture
def left_open(tmp_path: Path) -> Iterator[int]:
    """A descriptor of a folder of the host, as a careless shell leaves it to its children."""
    (tmp_path / "secret").write_text("of the host")
    fd = os.open(tmp_path, os.O_RDONLY)
    yield fd
    os.close(fd)


# ---- doors to the host --------------------------------------------------------------------------


def test_descriptors_of_any_number_are_closed(left_open: int) -> None:
    """Also those above the limit of today, which may have been higher before."""
    import resource

    script = """if True:
        import os, sys
        from minihv.containers.linux.runtime.first import close_others
        for fd in (70_000, 9, 8):
            os.dup2(int(sys.argv[1]), fd)
        close_others(8)
        for fd in (3, int(sys.argv[1]), 8, 9, 70_000):
            try:
                os.fstat(fd)
                print(fd)
            except OSError:
                pass"""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 70_001:
        script = script.replace("70_000", "900")
    raise_limit = "import resource as r; h = r.getrlimit(7)[1]; r.setrlimit(7, (h, h))\n"
    done = subprocess.run([sys.executable, "-c", raise_limit + script, str(left_open)], text=True,
                          capture_output=True, pass_fds=(left_open,), cwd=ROOT, timeout=20)
    assert done.stdout == "8\n", done.stderr


def test_root_inside_cannot_reach_the_hosts_null_device(store: Store, session: Session,
                                                        options: dict[str, Any]) -> None:
    """A mode set through /proc/self/fd/0 would be the device's, for the whole host."""
    box = session.run("busybox", ["stat", "-L", "-c", "%F", "/proc/self/fd/0"], **options)
    assert (box.wait(10), box.output()) == (0, "fifo\n")
    assert box.status == 0
    box.close()
    box = session.run("busybox", ["sleep", "100"], **options)
    assert box.exec(["sh", "-c", "stat -L -c %F /proc/self/fd/0; cat"]) == (0, "fifo\n")
    box.close()
    command(store.home, "run", "-d", "--name", "null", "busybox", "--", "sh", "-c",
            "stat -L -c %F /proc/self/fd/0; cat; echo end")
    wait_for(lambda: "end" in command(store.home, "logs", "null").stdout)
    assert command(store.home, "logs", "null").stdout == "fifo\nend\n"
    command(store.home, "rm", "null")


def test_a_named_pipe_as_stdin_is_not_handed_on(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o600)
    fd = os.open(path, os.O_RDWR)
    command(store.home, "run", "--rm", "busybox", "chmod", "0", "/proc/self/fd/0", stdin=fd)
    os.close(fd)
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_of_an_image_is_imported() -> None:
    """After the root has changed, Python would look for a module in the image."""
    script = """if True:
        import os, sys
        from minihv.containers.linux.runtime.first import cut_ties
        if os.fork() == 0:
            cut_ties()
            try:
                import this
            except ImportError:
                print(open("/proc/self/cmdline").read().rstrip(chr(0)), flush=True)
            os._exit(0)
        os.wait()"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT,
                          timeout=20)
    assert done.stdout == "minihv-init\n", done.stderr


def test_what_joins_shows_nothing_of_the_host(session: Session, options: dict[str, Any]) -> None:
    """Between its entry and its exec, its arguments can be read: they must be replaced by then."""
    box = session.run("busybox", ["sh", "-c", "while :; do cat /proc/[0-9]*/cmdline; done"],
                      **options)
    for _ in range(20):
        box.exec(["true"])
    seen = box.output()
    box.close()
    assert sys.executable not in seen and "python" not in seen


# ---- one clear line -----------------------------------------------------------------------------


@pytest.mark.parametrize("letter", [",", ":", "\\"])
def test_a_store_in_a_place_that_overlayfs_cannot_name(tmp_path: Path, letter: str) -> None:
    home = tmp_path / f"a{letter}b"
    home.mkdir()
    with pytest.raises(ContainerError, match="set MINIHV_HOME to another"):
        make_spec(Store(home), Image("x", ["0" * 64]))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"record": 1}', '{"record": {}}'])
def test_a_damaged_record_stops_nobody(tmp_path: Path, text: str) -> None:
    """As after a power failure. It is swept like one that was never written."""
    folder = tmp_path / "containers" / "0123456789ab"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(text)
    (tmp_path / "containers" / "stray").write_text("a file")
    os.utime(folder, (0, 0))
    assert records.read_state(folder) is None
    assert records.sweep(tmp_path) == [folder.name] and not folder.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": 1, "other": 2}'])
def test_a_damaged_image_record_is_named(tmp_path: Path, text: str,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path)
    path = tmp_path / "x.tar"
    path.write_bytes(tar_of(("a", b"1")))
    store.add(path, "sound")
    (tmp_path / "images/x.json").write_text(text)
    with pytest.raises(ContainerError, match="'x' is damaged in the store: add it again"):
        store.find("x")
    assert container.list_images(store, None) == 0  # type: ignore[arg-type]
    said = capsys.readouterr()
    assert said.out.startswith("sound") and said.err.startswith("minihv: image 'x' is damaged")
    assert store.add(path, "x").layers == store.find("x").layers


def test_images_that_exhaust_who_reads_them(store: Store, tmp_path: Path) -> None:
    """Chains of links, folders without end, thousands of platforms, a sparse file of 10 GiB."""
    chain = tar_of(*[(f"l{i}", (SYMLINK, f"l{i + 1}")) for i in range(1500)], ("l0/x", b"1"))
    (tmp_path / "chain.tar").write_bytes(chain)
    with open(tmp_path / "large.tar", "wb") as f:
        f.write(tar_of(("a", b"1"))[:1024])
        f.truncate(10 << 30)
    path = layout(tmp_path / "platforms", [], {})
    other = [{"platform": {"os": f"{'x' * 100}{i}"}} for i in range(2000)]
    (path / "index.json").write_text(json.dumps({"manifests": other}))
    for place, answer in (("chain.tar", "'l0/x': leads through too many links"),
                          ("large.tar", "has more than 4 GiB"), ("platforms", "but for: 'x")):
        with pytest.raises(ContainerError, match=answer) as caught:
            store.add(tmp_path / place)
        assert len(str(caught.value)) < 700


# ---- folders that are hard to remove ------------------------------------------------------------


def test_a_folder_deeper_than_any_path_is_removed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "box", tmp_path / "outside"
    (folder / "upper").mkdir(parents=True)
    outside.mkdir()
    (outside / "kept").write_text("kept")
    here = os.open(folder / "upper", os.O_RDONLY)
    for number in range(1200):
        os.mkdir("d" * 5, 0o700, dir_fd=here)
        os.symlink(outside, "link", dir_fd=here)
        below = os.open("d" * 5, os.O_RDONLY, dir_fd=here)
        os.chmod(f"/proc/self/fd/{here}", 0 if number % 700 == 699 else 0o500)
        os.close(here)
        here = below
    os.close(here)
    assert 100 < len(container.changed(str(folder / "upper"))) <= 1000
    records.delete(folder)
    assert not folder.exists() and os.listdir(outside) == ["kept"]


def test_what_a_container_wrote_is_told_without_following_links(tmp_path: Path) -> None:
    (tmp_path / "upper/a/b").mkdir(parents=True)
    (tmp_path / "upper/a/out").symlink_to("/")
    assert container.changed(str(tmp_path / "upper")) == ["a", "a/b", "a/out"]
    assert container.changed("") == []


def test_a_container_without_a_log_or_limits_can_be_inspected(store: Store) -> None:
    done = command(store.home, "run", "-d", "--rm", "--name", "brief", "busybox", "sleep", "100")
    assert done.returncode == 0, done.stderr
    shown = command(store.home, "inspect", "brief")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["changed"] == []
    assert command(store.home, "rm", "brief").returncode == 0


def test_no_descriptor_of_the_caller_stays_with_a_detached_runner(store: Store, tmp_path: Path
                                                                  ) -> None:
    """A lock or a pipe that a script holds would be held as long as the container lives."""
    reader, writer = os.pipe()
    argv = [sys.executable, "-m", "minihv", "container", "run", "-d", "--name", "holds", "busybox",
            "sleep", "100"]
    subprocess.run(argv, env=environment(store.home), cwd=ROOT, pass_fds=(writer,), check=True,
                   stdout=subprocess.DEVNULL, timeout=30)
    os.close(writer)
    os.set_blocking(reader, False)
    assert os.read(reader, 1) == b""  # its end, not BlockingIOError
    os.close(reader)
    assert command(store.home, "rm", "holds").returncode == 0
