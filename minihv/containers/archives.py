"""Images from archives: a root file system in a tar, an OCI layout, or Debian's static busybox.

Every digest is checked. An archive is unpacked by a child process (unpack.py) that is locked into
the layer's directory by chroot: no path or link in it can lead outside. Format: OCI image layout
1.0, image specification 1.1.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from minihv.containers.images import ContainerError, Image, Store

MOST_BYTES = 4 << 30


def add(store: Store, path: Path, name: str = "") -> Image:
    """An image from a root file system in a tar, or from an OCI layout directory."""
    name = name or path.absolute().name.split(".")[0]
    if (path / "oci-layout").exists():
        return store.save(from_oci(store, path, name))
    if path.is_file():
        with open_tar(path) as stream:
            return store.save(Image(name, [add_layer(store, stream)]))
    raise ContainerError(f"{path} is neither a tar file nor an OCI image layout")


def add_layer(store: Store, stream: IO[bytes], expect: str = "") -> str:
    """Unpack a tar under the digest of its bytes; keep it once."""
    folder = store.home / "layers"
    folder.mkdir(parents=True, exist_ok=True)
    store.home.chmod(0o755)
    with tempfile.TemporaryFile(dir=folder) as spool:
        digest = copy_and_hash(stream, spool)
        if expect and digest != expect:
            raise ContainerError(f"layer has SHA-256 {digest}, its image says {expect}: "
                                 "the layout is damaged")
        if not store.layer_path(digest).exists():
            unpack(store, spool, digest)
    return digest


def unpack(store: Store, spool: IO[bytes], digest: str) -> None:
    import subprocess

    new = Path(tempfile.mkdtemp(dir=store.home / "layers"))
    spool.seek(0)
    command = [sys.executable, "-I", "-S", __file__.replace("archives", "unpack"), str(new)]
    done = subprocess.run(command, stdin=spool, capture_output=True, text=True)
    if done.returncode == 0:
        try:
            new.rename(store.layer_path(digest))
        except OSError:  # another process was faster
            shutil.rmtree(new)
        return
    shutil.rmtree(new, ignore_errors=True)
    last = (done.stderr.strip().splitlines() or ["unknown reason"])[-1]
    raise ContainerError(f"not a tar archive, or a broken one: {last}")


def add_busybox(store: Store, binary: Path) -> Image:
    """An image of one static busybox and links for its commands."""
    import subprocess

    done = subprocess.run(["busybox", "--list"], executable=binary, capture_output=True, text=True)
    names = done.stdout.split()  # whatever the file is called, it goes by the name that it is told
    with io.BytesIO(busybox_tar(binary.read_bytes(), names)) as stream:
        return store.save(Image("busybox", [add_layer(store, stream)]))


def copy_and_hash(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy a stream of bounded length; its SHA-256."""
    digest = hashlib.sha256()
    total = 0
    while data := read(source):
        total += len(data)
        if total > MOST_BYTES:
            raise ContainerError(f"the archive unpacks to more than {MOST_BYTES >> 30} GiB")
        digest.update(data)
        target.write(data)
    return digest.hexdigest()


def read(source: IO[bytes]) -> bytes:
    """Up to 1 MiB of a stream that may turn out not to be what it seems."""
    try:
        return source.read(1 << 20)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ContainerError(f"the archive is damaged: {error}") from error


def open_tar(path: Path) -> IO[bytes]:
    """The plain bytes of a tar that may be compressed with gzip."""
    stream = path.open("rb")
    magic = stream.read(2)
    stream.seek(0)
    return gzip.open(stream, "rb") if magic == b"\x1f\x8b" else stream  # type: ignore[return-value]


def busybox_tar(binary: bytes, names: list[str]) -> bytes:
    """A root file system as a tar with fixed dates, so that its digest repeats."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for folder in ("bin", "dev", "etc", "proc", "root", "sys", "tmp", "usr", "var"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        for path, data, mode in (("bin/busybox", binary, 0o755),
                                 ("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n", 0o644)):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
        for name in sorted({*names} - {"busybox"}):  # the list names busybox itself
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return buffer.getvalue()


def static_busybox() -> Path | None:
    """A busybox of this host that needs no libraries."""
    places = (Path("/bin/busybox"), Path("/usr/bin/busybox"))
    return next((p for p in places if p.exists() and b"ld-linux" not in p.read_bytes()[:4096]),
                None)


def provide_busybox(store: Store) -> Image:
    """Of a static busybox of this host, else of Debian's package, fetched with apt-get."""
    from subprocess import SubprocessError

    if place := static_busybox():
        return add_busybox(store, place)
    try:
        with tempfile.TemporaryDirectory(prefix="minihv-busybox-") as folder:
            return add_busybox(store, fetch_busybox(Path(folder)))
    except (OSError, SubprocessError) as error:
        raise ContainerError("no static busybox here and apt-get could not fetch one; get it "
                             f"with: apt-get install busybox-static ({error})") from error


def fetch_busybox(folder: Path) -> Path:
    """Download busybox-static through apt and unpack it below `folder`."""
    import subprocess

    print("minihv: fetching busybox-static with apt-get", file=sys.stderr)
    quiet: dict[str, Any] = {"cwd": folder, "check": True, "capture_output": True, "timeout": 300}
    if subprocess.run(["apt-get", "download", "busybox-static"], **quiet | {"check": False}
                      ).returncode:
        subprocess.run(["apt-get", "update"], **quiet)
        subprocess.run(["apt-get", "download", "busybox-static"], **quiet)
    package = next(folder.glob("busybox-static*.deb"))
    subprocess.run(["dpkg-deb", "-x", package.name, "."], **quiet)
    return next(p for p in folder.rglob("busybox") if p.is_file() and os.access(p, os.X_OK)
                and "bin" in p.parts)


def from_oci(store: Store, path: Path, name: str) -> Image:
    """Read an OCI layout: index, manifest, configuration, layers; every digest is checked."""
    try:
        index = json.loads((path / "index.json").read_text())
        manifest = json.loads(blob(path, choose(path, index)))
        config = json.loads(blob(path, manifest["config"]))
        layers = list(oci_layers(store, path, manifest, config))
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise ContainerError(f"{path} is not a sound OCI layout: {error!r}") from error
    inner = config.get("config") or {}
    cmd = [*(inner.get("Entrypoint") or []), *(inner.get("Cmd") or [])]
    env = dict(e.split("=", 1) for e in inner.get("Env") or [])
    return Image(name, layers, tuple(cmd) or ("sh",), env, inner.get("WorkingDir") or "/")


def oci_layers(store: Store, path: Path, manifest: dict[str, Any],
               config: dict[str, Any]) -> Iterator[str]:
    """Unpack each layer of a manifest."""
    for layer, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
        blob(path, layer, keep=False)
        with open_tar(blob_path(path, layer["digest"])) as stream:
            yield add_layer(store, stream, diff_id.split(":")[1])


def choose(path: Path, index: dict[str, Any]) -> dict[str, Any]:
    """The manifest for this machine; an index may point to further indexes."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    entries = index["manifests"]
    fitting = [e for e in entries if e.get("platform", {}).get("architecture", machine) == machine]
    if not fitting:
        raise ContainerError(f"{path} holds no image for {machine}")
    if "index" in fitting[0].get("mediaType", ""):
        return choose(path, json.loads(blob(path, fitting[0])))
    return fitting[0]


def blob_path(path: Path, digest: str) -> Path:
    """Where a layout keeps a blob."""
    kind, _, value = digest.partition(":")
    if kind != "sha256" or len(value) != 64 or not all(c in "0123456789abcdef" for c in value):
        raise ContainerError(f"digest {digest!r} is not a SHA-256")
    return path / "blobs" / "sha256" / value


def blob(path: Path, entry: dict[str, Any], keep: bool = True) -> bytes:
    """A blob whose digest is right (empty if not to be kept)."""
    file = blob_path(path, entry["digest"])
    with file.open("rb") as stream, (io.BytesIO() if keep else open(os.devnull, "wb")) as target:
        if copy_and_hash(stream, target) != file.name:
            raise ContainerError(f"blob {file.name} does not match its digest")
        return target.getvalue() if isinstance(target, io.BytesIO) else b""
