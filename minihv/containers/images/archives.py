"""Images as they come: a root file system in a tar, or an OCI image layout.

Every digest of a layout is checked. Format: OCI image layout 1.0, image specification 1.1.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from minihv.errors import MinihvError

MOST_BYTES = 4 << 30


class ContainerError(MinihvError):
    """A container or image that cannot be had, in one clear line."""


class Contents(NamedTuple):
    """An image before it is in the store. A layer (bottom first) is a function that opens its tar,
    and the SHA-256 that the tar is said to have ("": nobody says)."""

    layers: list[tuple[Callable[[], IO[bytes]], str]]
    cmd: tuple[str, ...] = ("sh",)
    env: dict[str, str] = {}
    cwd: str = "/"


def copy_and_hash(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy a stream of at most MOST_BYTES; return its SHA-256."""
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
    """Read up to 1 MiB of a stream that may turn out not to be what it seems."""
    try:
        return source.read(1 << 20)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ContainerError(f"the archive is damaged: {error}") from error


def open_tar(path: Path) -> IO[bytes]:
    """Open a tar that may be compressed with gzip, for its plain bytes."""
    stream = path.open("rb")
    magic = stream.read(2)
    stream.seek(0)
    return gzip.open(stream, "rb") if magic == b"\x1f\x8b" else stream  # type: ignore[return-value]


# ---- OCI layouts: a directory of blobs, each named by the SHA-256 of its bytes ------------------


def oci_layout(path: Path) -> Contents:
    """Return what a layout holds for this machine: index, manifest, configuration, layers."""
    try:
        index = json.loads((path / "index.json").read_text())
        manifest = json.loads(blob(path, choose(path, index)))
        config = json.loads(blob(path, manifest["config"]))
        layers: list[tuple[Callable[[], IO[bytes]], str]] = []
        for layer, tar in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
            blob(path, layer, keep=False)
            layers.append((partial(open_tar, blob_path(path, layer["digest"])), tar.split(":")[1]))
        inner = config.get("config") or {}
        cmd = [*(inner.get("Entrypoint") or []), *(inner.get("Cmd") or [])]
        env = dict(e.split("=", 1) for e in inner.get("Env") or [])
        return Contents(layers, tuple(cmd) or ("sh",), env, inner.get("WorkingDir") or "/")
    except (LookupError, AttributeError, ValueError, TypeError, OSError) as error:
        raise ContainerError(f"{path} is not a sound OCI layout: {error!r}") from error


def choose(path: Path, index: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest's entry for this machine; an index may point to further indexes."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    entries = index["manifests"]
    fitting = [e for e in entries if e.get("platform", {}).get("architecture", machine) == machine]
    if not fitting:
        raise ContainerError(f"{path} holds no image for {machine}")
    if "index" in fitting[0].get("mediaType", ""):
        return choose(path, json.loads(blob(path, fitting[0])))
    return fitting[0]


def blob_path(path: Path, digest: str) -> Path:
    """Return where a layout keeps a blob."""
    kind, _, value = digest.partition(":")
    if kind != "sha256" or len(value) != 64 or not all(c in "0123456789abcdef" for c in value):
        raise ContainerError(f"digest {digest!r} is not a SHA-256")
    return path / "blobs" / "sha256" / value


def blob(path: Path, entry: dict[str, Any], keep: bool = True) -> bytes:
    """Return a blob whose digest is right (empty if not to be kept)."""
    file = blob_path(path, entry["digest"])
    with file.open("rb") as stream, (io.BytesIO() if keep else open(os.devnull, "wb")) as target:
        if copy_and_hash(stream, target) != file.name:
            raise ContainerError(f"blob {file.name} does not match its digest")
        return target.getvalue() if isinstance(target, io.BytesIO) else b""
