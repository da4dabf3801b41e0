"""Layers applied over others, against a model of layer.md; wrong images, one clear line each."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as some

from minihv.containers.images import ContainerError, Store
from minihv.containers.linux.runtime.session import Session
from tests.containers.conftest import ROOT, USER, environment, ordinary_python
from tests.containers.test_images import layout, tar_of
from tests.tiers import count

NAMES = some.sampled_from(["a", "b", "a/a", "a/b", "b/a", "a/a/a"])
ENTRY = some.tuples(NAMES, some.sampled_from(["file", "folder", "link", "hard", "white", "opaque"]),
                    some.integers(0, 9)).map(
    lambda e: (("a/b", "b/a")[e[2] % 2], *e[1:]) if e[1] == "link" else e)  # no one's parent
Tree = dict[str, Any]


def model(below: Tree, layer: list[Any]) -> Tree | None:
    """What a layer leaves of what is below it: whiteouts first. None if a hard link dangles."""
    tree = dict(below)

    def drop(path: str, itself: bool = True) -> None:
        for name in [n for n in tree if n.startswith(path + "/") or (itself and n == path)]:
            del tree[name]

    for path, kind, _ in layer:
        if kind == "white":
            drop(path)
        elif kind == "opaque" and tree.get(path) == "folder":
            drop(path, itself=False)
    for path, kind, value in layer:
        if kind in ("white", "opaque"):
            continue
        parts = path.split("/")
        for end in range(1, len(parts)):
            parent = "/".join(parts[:end])
            if tree.get(parent) != "folder":
                drop(parent)
                tree[parent] = "folder"
        what: Any = {"folder": "folder", "link": ("link", f"x{value}")}.get(kind, str(value))
        if kind == "hard":
            target = ("a", "b", "a/b")[value % 3]
            if tree.get(target, "folder") == "folder" or target.startswith(path + "/"):
                return None
            what = tree[target]
            assume(isinstance(what, str))  # the model does not follow links
        if not (kind == "folder" and tree.get(path) == "folder"):
            drop(path)
        tree[path] = what
    return tree


def encode(layer: list[Any]) -> bytes:
    entries: list[tuple[str, Any]] = []
    for path, kind, value in layer:
        folder, _, base = path.rpartition("/")
        entries.append({
            "file": (path, str(value).encode()), "folder": (path, None),
            "link": (path, (tarfile.SYMTYPE, f"x{value}")),
            "hard": (path, (tarfile.LNKTYPE, ("a", "b", "a/b")[value % 3])),
            "white": (f"{folder}/.wh.{base}", b""), "opaque": (f"{path}/.wh..wh..opq", b""),
        }[kind])
    return tar_of(*entries)


READ = """
import ctypes, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
assert not libc.unshare(0x20000) and not libc.mount(None, b"/", None, 0x44000, None)
os.chdir(sys.argv[1])
lowers = ":".join([*sys.argv[2:], "empty"])
os.makedirs("empty", exist_ok=True)
os.makedirs("root", exist_ok=True)
assert not libc.mount(b"o", b"root", b"overlay", 0, f"lowerdir={lowers}".encode()), "mount"
tree = {}
for folder, folders, files in os.walk("root"):
    for name in folders + files:
        p = os.path.join(folder, name)
        tree[p[5:]] = (["link", os.readlink(p)] if os.path.islink(p) else
                       "folder" if os.path.isdir(p) else open(p).read())
print(json.dumps(tree))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="mounts as root")
@settings(max_examples=count(15, 60, 3000), deadline=None, derandomize=True)
@given(layers=some.lists(some.lists(ENTRY, min_size=1, max_size=7), min_size=1, max_size=3))
def test_layers_are_applied_as_the_specification_says(layers: list[list[Any]]) -> None:
    import subprocess
    import sys

    expected: Tree | None = {}
    for layer in layers:
        expected = None if expected is None else model(expected, layer)
    with tempfile.TemporaryDirectory(prefix="minihv-test-") as name:
        store = Store(Path(name) / "home")
        path = layout(Path(name) / "picture", [encode(layer) for layer in layers], {})
        if expected is None:
            with pytest.raises(ContainerError, match="hard link"):
                store.add(path)
            return
        image = store.add(path)
        done = subprocess.run([sys.executable, "-c", READ, str(store.home / "layers"),
                               *reversed(image.layers)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == json.loads(json.dumps(expected))


def test_damaged_images_give_one_line(tmp_path: Path) -> None:
    """Bytes and JSON changed at random: nothing but ContainerError, nothing outside changes."""
    chance = random.Random(5)
    tar = tar_of(("d", None), ("d/f", b"x" * 600), ("l", (tarfile.SYMTYPE, "../..")), ("l/g", b"y"))
    store, whole = Store(tmp_path / "home"), bytearray(tar)
    (tmp_path / "decoy").write_bytes(b"untouched")
    path = layout(tmp_path / "picture", [tar], {"Env": ["A=1"], "Cmd": ["sh"]})
    index = (path / "index.json").read_bytes()
    for _ in range(count(30, 300, 10_000)):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(2100)] = chance.randrange(256)
        (tmp_path / "bad.tar").write_bytes(data[:chance.choice([len(data), 2000, 700])])
        text = bytearray(index)
        text[chance.randrange(len(text))] = chance.randrange(256)
        (path / "index.json").write_bytes(text)
        for source in (tmp_path / "bad.tar", path):
            try:
                store.add(source, "image")
            except ContainerError as error:
                assert "\n" not in str(error)
        assert sorted(os.listdir(tmp_path)) == ["bad.tar", "decoy", "home", "picture"]
    assert (tmp_path / "decoy").read_bytes() == b"untouched"


@pytest.mark.parametrize("config, reason", [
    ({"Env": "A"}, "Env should be a list"), ({"Env": [1]}, "no plain text"),
    ({"Env": ["=1"]}, "without a name"), ({"Cmd": ["a\0"]}, "no plain text"),
    ({"Entrypoint": "sh"}, "Entrypoint should be a list"), ({"User": 5}, "User should be a text"),
    ({"WorkingDir": "/a" * 1000}, "WorkingDir has 2000 characters"),
])
def test_a_wrong_configuration_is_named(tmp_path: Path, config: Any, reason: str) -> None:
    with pytest.raises(ContainerError, match=reason):
        Store(tmp_path / "home").add(layout(tmp_path / "picture", [tar_of(("a", b""))], config))


def test_layers_that_no_mount_would_take_are_counted(tmp_path: Path) -> None:
    tars = [tar_of((f"f{k}", b"")) for k in range(41)]
    with pytest.raises(ContainerError, match="41 layers; a mount takes 40"):
        Store(tmp_path / "home").add(layout(tmp_path / "picture", tars, {"Cmd": ["sh"]}))
    most = Store(tmp_path / "home").add(layout(tmp_path / "less", tars[1:], {"Cmd": ["sh"]}))
    assert len(most.layers) == 40


def test_an_image_without_layers_and_other_compressions(tmp_path: Path) -> None:
    store = Store(tmp_path / "home")
    image = store.add(layout(tmp_path / "none", [], {"Env": ["A"], "Entrypoint": ["/x", "1"]}))
    assert not os.listdir(store.layer_path(image.layers[0]))
    assert image.env == {"A": ""} and image.entrypoint == ("/x", "1") and image.cmd == ()
    (tmp_path / "z.tar").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    with pytest.raises(ContainerError, match="zstd"):
        store.add(tmp_path / "z.tar")


def test_attributes_and_fifos(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, mode in (("p", tarfile.FIFOTYPE, 0o640), ("f", tarfile.REGTYPE, 0o600),
                                 ("f", tarfile.REGTYPE, 0o644)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = kind, mode
            entry.pax_headers = {"SCHILY.xattr.user.a": "1", "SCHILY.xattr.trusted.b": "2"}
            tar.addfile(entry)
    (tmp_path / "a.tar").write_bytes(buffer.getvalue())
    store = Store(tmp_path / "home")
    layer = store.layer_path(store.add(tmp_path / "a.tar").layers[0])
    assert (layer / "p").is_fifo() and (layer / "f").stat().st_mode & 0o777 == 0o644
    assert os.listxattr(layer / "f") == ["user.a"]


@pytest.mark.skipif(os.getuid() != 0, reason="another user needs root")
def test_user_entrypoint_and_working_folder(store: Store, session: Session,
                                            tmp_path: Path) -> None:
    base = store.layer_path(store.find("busybox").layers[0]) / "bin/busybox"
    tar = tar_of(("bin", None), ("bin/sh", base.read_bytes()), ("bin/id", (tarfile.SYMTYPE, "sh")),
                 ("etc/passwd", b"bob:x:7:8::/:/bin/sh\n"), ("etc/group", b"crew:x:9:bob\n"))
    config = {"Entrypoint": ["sh", "-c"], "Cmd": ["echo $(id -u):$(id -g):$(id -G) $PWD"],
              "User": "bob", "WorkingDir": "/made/here"}
    store.add(layout(tmp_path / "picture", [tar], config), "picture-user")
    box = session.run("picture-user", rootless=False)
    assert (box.wait(10), box.output()) == (0, "7:8:8 9 /made/here\n")
    box = session.run("picture-user", ["echo $0 x"], rootless=False)
    assert (box.wait(10), box.output()) == (0, "sh x\n")


def test_an_ordinary_user_lays_layers_over_others_and_leaves_nothing(tmp_path: Path) -> None:
    import subprocess

    script = """
import io, os, sys
from functools import partial
from pathlib import Path
from minihv.containers.images import Store
from minihv.containers.images.archives import Contents
from minihv.containers.images.busybox import tar_of
store = Store(Path(sys.argv[1]))
tars = [tar_of(data, []) for data in (b"1", b"2")]
store.take("x", Contents([(partial(io.BytesIO, tar), "") for tar in tars]))
print(len(os.listdir(store.home / "layers")))
"""
    with tempfile.TemporaryDirectory(prefix="minihv-test-") as home:
        who: Any = {}
        if os.getuid() == 0:
            os.chown(home, USER, USER)
            who = {"user": USER, "group": USER, "extra_groups": []}
        done = subprocess.run([ordinary_python(), "-c", script, home + "/home"], cwd=ROOT,
                              text=True, capture_output=True, timeout=60,
                              env=environment(Path(home)), **who)
        if "does not allow" in done.stderr:
            pytest.skip("this host does not allow it")
        assert done.stdout == "2\n", done.stderr


def test_other_users_cannot_start_a_set_uid_program_of_an_image(store: Store) -> None:
    entry = tarfile.TarInfo("x")
    entry.mode, data = 0o4755, Path("/bin/true").read_bytes()
    entry.size, archive = len(data), io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(entry, io.BytesIO(data))
    path = store.home / "picture.tar"
    path.write_bytes(archive.getvalue())
    program = store.layer_path(store.add(path, "x").layers[0]) / "x"
    assert program.stat().st_mode & 0o4000
    home = store.home.stat()
    assert home.st_mode & 0o777 == (0o710 if os.getuid() == 0 else 0o700)
    if os.getuid() == 0:
        with pytest.raises(PermissionError):
            subprocess.run([program], user=65534, group=65534, extra_groups=[], check=True)
