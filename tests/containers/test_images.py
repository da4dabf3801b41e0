"""Images: what is unpacked, what is refused, what is shared."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from minihv.containers.images import ContainerError, Store, archives, busybox
from minihv.containers.linux.runtime.session import Session
from tests.containers.conftest import command


def tar_of(*entries: tuple[str, Any]) -> bytes:
    """A tar of (name, bytes | None for a directory | (type, link target))."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, what in entries:
            entry = tarfile.TarInfo(name)
            entry.mode = 0o755
            if what is None:
                entry.type = tarfile.DIRTYPE
            elif isinstance(what, tuple):
                entry.type, entry.linkname = what
            else:
                entry.size = len(what)
            tar.addfile(entry, io.BytesIO(what) if isinstance(what, bytes) else None)
    return buffer.getvalue()


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


def add(store: Store, data: bytes, path: Path) -> Path:
    path.write_bytes(data)
    return store.layer_path(store.add(path).layers[0])


def test_a_layer_is_kept_once_under_its_digest(empty: Store, tmp_path: Path) -> None:
    data = tar_of(("etc", None), ("etc/name", b"one"))
    first = add(empty, data, tmp_path / "one.tar")
    second = add(empty, gzip.compress(data), tmp_path / "two.tar.gz")
    assert first == second and first.name == hashlib.sha256(data).hexdigest()
    assert (first / "etc/name").read_bytes() == b"one"
    assert empty.names() == ["one", "two"]


@pytest.mark.parametrize("entries", [
    [("../escaped", b"x")], [("/escaped", b"x")],
    [("link", (tarfile.SYMTYPE, "..")), ("link/escaped", b"x")],
    [("link", (tarfile.SYMTYPE, "{outside}")), ("link/escaped", b"x")],
    [("hard", (tarfile.LNKTYPE, "../../../decoy")), ("hard", b"x")],
    [("a", None), ("a/b", (tarfile.SYMTYPE, "../../../..")), ("a/b/escaped", b"x")],
])
def test_nothing_is_written_outside(empty: Store, tmp_path: Path, entries: list[Any]) -> None:
    """The test puts decoys where a careless unpacker would write."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "decoy").write_bytes(b"untouched")
    filled = [(n, (w[0], w[1].format(outside=outside)) if isinstance(w, tuple) else w)
              for n, w in entries]
    try:
        layer = add(empty, tar_of(*filled), tmp_path / "evil.tar")
    except ContainerError:
        layer = empty.home
    assert not [p for p in tmp_path.rglob("escaped") if not p.is_relative_to(layer)]
    assert (tmp_path / "decoy").read_bytes() == b"untouched"


@pytest.mark.parametrize("data", [b"", b"no tar at all" * 100, b"\x1f\x8bbroken"])
def test_a_broken_archive_is_one_clear_error(empty: Store, tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ContainerError, match=r"^[^\n]+$"):
        add(empty, data, tmp_path / "bad.tar")
    assert not empty.names()
    assert not [p for p in (empty.home / "layers").iterdir() if p.is_dir()]


def test_an_archive_that_unpacks_to_too_much_is_refused(
        empty: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 1 << 20)
    small, large = (gzip.compress(tar_of(("zeros", bytes(n << 19)))) for n in (1, 3))
    assert add(empty, small, tmp_path / "small.tar.gz").exists()
    with pytest.raises(ContainerError, match="unpacks to more than"):
        add(empty, large, tmp_path / "large.tar.gz")


def test_device_nodes_are_left_out(empty: Store, tmp_path: Path) -> None:
    data = tar_of(("dev", None), ("dev/memory", (tarfile.CHRTYPE, "")), ("dev/file", b"1"))
    assert os.listdir(add(empty, data, tmp_path / "dev.tar") / "dev") == ["file"]


def layout(path: Path, layers: list[bytes], config: dict[str, Any]) -> Path:
    """An OCI image layout on disk."""
    def put(data: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (path / "blobs/sha256" / digest).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "size": len(data),
                "digest": f"sha256:{digest}"}

    (path / "blobs/sha256").mkdir(parents=True)
    diff_ids = [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in layers]
    text = json.dumps({"rootfs": {"type": "layers", "diff_ids": diff_ids}, "config": config})
    manifest = {"schemaVersion": 2, "config": put(text.encode(), "config.v1+json"),
                "layers": [put(gzip.compress(d), "layer.v1.tar+gzip") for d in layers]}
    index = {"manifests": [put(json.dumps(manifest).encode(), "manifest.v1+json")]}
    (path / "index.json").write_text(json.dumps(index))
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return path


def test_oci_layers_whiteouts_and_configuration(store: Store, session: Session,
                                                tmp_path: Path) -> None:
    """A second layer hides a file and a directory's contents, on the real overlay."""
    base = busybox.tar_of(busybox_of(store), ["sh", "ls", "cat"])
    first = tar_of(("data", None), ("data/gone", b"1"), ("data/kept", b"2"), ("full", None),
                   ("full/old", b"3"))
    second = tar_of(("data/.wh.gone", b""), ("full/.wh..wh..opq", b""), ("full/new", b"4"))
    config = {"Cmd": ["sh", "-c", "ls /data /full; echo $COLOUR; pwd"], "Env": ["COLOUR=blue"],
              "WorkingDir": "/data"}
    path = layout(tmp_path / "picture", [base, first, second], config)
    store.add(path)
    for rootless in (False, True) if os.getuid() == 0 else (True,):
        box = session.run("picture", rootless=rootless)
        assert box.wait(10) == 0
        assert box.output().split() == ["/data:", "kept", "/full:", "new", "blue", "/data"]


def busybox_of(store: Store) -> bytes:
    layer = store.layer_path(store.find("busybox").layers[0])
    return (layer / "bin/busybox").read_bytes()


def test_a_damaged_layout_is_refused(empty: Store, tmp_path: Path) -> None:
    path = layout(tmp_path / "picture", [tar_of(("a", b"1"))], {})
    for blob in (path / "blobs/sha256").iterdir():
        whole = blob.read_bytes()
        blob.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(ContainerError, match="digest|sound"):
            empty.add(path)
        blob.write_bytes(whole)
    assert empty.add(path).layers


def test_a_layer_that_is_not_the_one_of_the_configuration_is_refused(
        empty: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each blob is sound, and still the image is not what its configuration says."""
    right, wrong = tar_of(("a", b"1")), tar_of(("a", b"2"))
    monkeypatch.setattr(gzip, "compress", lambda data, compress=gzip.compress: compress(wrong))
    with pytest.raises(ContainerError, match="its image says"):
        empty.add(layout(tmp_path / "picture", [right], {}))


def test_the_image_for_this_machine_is_taken(empty: Store, tmp_path: Path) -> None:
    path = layout(tmp_path / "picture", [tar_of(("a", b"1"))], {})
    index = json.loads((path / "index.json").read_text())
    foreign = {"digest": "sha256:" + "0" * 64, "platform": {"architecture": "pdp11"}}
    for entries, answer in (([foreign, *index["manifests"]], None), ([foreign], "no image for")):
        (path / "index.json").write_text(json.dumps({"manifests": entries}))
        if answer:
            with pytest.raises(ContainerError, match=answer):
                empty.add(path)
        else:
            assert empty.add(path).layers


def test_an_index_in_an_index_ends_somewhere(empty: Store, tmp_path: Path) -> None:
    path = layout(tmp_path / "picture", [tar_of(("a", b"1"))], {})
    for depth in range(2_000):
        data = (path / "index.json").read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        (path / "blobs/sha256" / digest).write_bytes(data)
        (path / "index.json").write_text(json.dumps({"manifests": [
            {"mediaType": "application/vnd.oci.image.index.v1+json", "size": len(data),
             "digest": f"sha256:{digest}"}]}))
        if depth == 5:
            assert empty.add(path).layers
    with pytest.raises(ContainerError, match="indexes in indexes"):
        empty.add(path)


@pytest.mark.parametrize("config", [
    {"User": "x" * 100_000}, {"User": "a\nb:c"}, {"WorkingDir": "/" + "x" * 900},
    {"WorkingDir": "/bin/busybox/a\nb"}, {"Entrypoint": [""]}, {"Cmd": ["no\nsuch"]}])
def test_what_fails_at_the_start_is_one_short_line(store: Store, tmp_path: Path,
                                                   config: dict[str, Any]) -> None:
    base = busybox.tar_of(busybox_of(store), ["sh"])
    done = command(store.home, "run", "--rm", str(layout(tmp_path / "wrong", [base], config)))
    assert done.returncode in (125, 126, 127), done.stderr
    assert len(done.stderr.splitlines()) == 1 and len(done.stderr) < 200
    assert "Error(" not in done.stderr


def test_copy_on_write(store: Store, session: Session, options: dict[str, Any]) -> None:
    """What one container writes neither its image nor another container sees."""
    script = "cat /etc/passwd | wc -l; echo more >> /etc/passwd; rm /bin/ls; cat /etc/passwd|wc -l"
    for _ in range(2):
        box = session.run("busybox", ["sh", "-c", script], **options)
        box.wait(10)
        expected = ["1", "2"] if not options["rootless"] or os.getuid() else ["1"]
        assert box.output().split()[:len(expected)] == expected
    layer = store.layer_path(store.find("busybox").layers[0])
    assert (layer / "etc/passwd").read_text().count("\n") == 1
