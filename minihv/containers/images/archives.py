"""Images as they come: a root file system in a tar, or an OCI image layout.

Every digest of a layout is checked. Format: OCI image layout 1.0, image specification 1.1.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from minihv.containers.images.unpack import MOST_BYTES
from minihv.errors import ContainerError as ContainerError

MOST_LAYERS = 40  # their paths have to fit into one page, the options of mount(2)
MOST_JSON = 4 << 20  # bytes of an index, manifest or configuration
LONGEST = 1000  # characters of a working folder
DEEPEST_INDEX = 10
OTHER_COMPRESSIONS = {b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ\0": "xz", b"BZh": "bzip2"}

T = TypeVar("T")


class Contents(NamedTuple):
    """An image before it is in the store. A layer (bottom first) is a function that opens its tar,
    and the SHA-256 that the tar is said to have ("": nobody says)."""

    layers: list[tuple[Callable[[], IO[bytes]], str]]
    cmd: tuple[str, ...] = ("sh",)
    env: dict[str, str] = {}
    cwd: str = "/"
    entrypoint: tuple[str, ...] = ()
    user: str = ""


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
    magic = stream.read(6)
    stream.seek(0)
    if path.stat().st_size > MOST_BYTES:
        stream.close()
        raise ContainerError(f"{path} has more than {MOST_BYTES >> 30} GiB")
    for start, name in OTHER_COMPRESSIONS.items():
        if magic.startswith(start):
            stream.close()
            raise ContainerError(f"{path} is compressed with {name}, which minihv cannot undo: "
                                 "give a plain tar, or one compressed with gzip")
    gzipped = magic.startswith(b"\x1f\x8b")
    return gzip.open(stream, "rb") if gzipped else stream  # type: ignore[return-value]


# ---- OCI layouts: a directory of blobs, each named by the SHA-256 of its bytes ------------------


def oci_layout(path: Path) -> Contents:
    """Return what a layout holds for this machine: index, manifest, configuration, layers."""
    version = field(document(path / "oci-layout"), "imageLayoutVersion", str)
    if version.split(".")[0] != "1":
        raise ContainerError(f"{path} is an OCI layout of version {version!r}: minihv knows 1")
    have: list[str] = []
    entry = next(fitting(path, document(path / "index.json"), have), None)
    if entry is None:
        raise ContainerError(f"{path} holds no image for linux/{machine()}, but for: "
                             f"{', '.join([*dict.fromkeys(have)][:9]) or 'nothing'}")
    manifest = document(blob(path, entry))
    config = document(blob(path, field(manifest, "config", dict)))
    built = (field(config, "os", str, "linux"), field(config, "architecture", str, machine()))
    if built != ("linux", machine()):
        raise ContainerError(f"{path} holds no image for linux/{machine()}, but for: "
                             f"{'/'.join(built)!r}")
    return Contents(layers_of(path, manifest, config), *defaults(field(config, "config", dict, {})))


def layers_of(path: Path, manifest: Json, config: Json) -> list[Any]:
    """Return an image's layers; one that has none is an empty folder."""
    entries = field(manifest, "layers", list)
    if len(entries) > MOST_LAYERS:
        raise ContainerError(f"{path}: {len(entries)} layers; a mount takes {MOST_LAYERS}: "
                             "build the image with fewer")
    rootfs = field(config, "rootfs", dict)
    tars = field(rootfs, "diff_ids", list, [])
    if field(rootfs, "type", str) != "layers" or len(tars) != len(entries):
        raise ContainerError(f"{path}: the manifest has {len(entries)} layers, the configuration "
                             f"{len(tars)}, of type {rootfs['type']!r}")
    for entry in entries:
        kind = field(entry, "mediaType", str, "tar")
        if not kind.endswith(("tar", "gzip", "+zstd")):  # open_tar names the compression
            raise ContainerError(f"{path} has a layer of type {kind!r}, not a plain or gzip tar")
    return [(partial(open_tar, blob(path, entry)), blob_path(path, tar).name)
            for entry, tar in zip(entries, tars, strict=True)] \
        or [(partial(io.BytesIO, bytes(1024)), "")]


def defaults(inner: Json) -> tuple[tuple[str, ...], dict[str, str], str, tuple[str, ...], str]:
    """Return command, environment, working folder, entrypoint and user of a configuration."""
    entrypoint, cmd, pairs = (tuple(text(name, word) for word in field(inner, name, list, []))
                              for name in ("Entrypoint", "Cmd", "Env"))
    env = {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
    if "" in env:
        raise ContainerError("the image's Env has a value without a name")
    cwd, user = (text(name, field(inner, name, str, "")) for name in ("WorkingDir", "User"))
    if len(cwd) > LONGEST:
        raise ContainerError(f"the image's WorkingDir has {len(cwd)} characters, more than "
                             f"{LONGEST}: {cwd[:40]!r}")
    return cmd or (() if entrypoint else ("sh",)), env, cwd or "/", entrypoint, user


def machine() -> str:
    """Return this machine's architecture as images say it."""
    here = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(here, here)


def fitting(path: Path, index: Json, have: list[str], depth: int = 1) -> Iterator[Json]:
    """Yield the manifests for this machine; an index may point to further indexes. `have` gets the
    platforms of the others."""
    if depth > DEEPEST_INDEX:
        raise ContainerError(f"{path}: indexes in indexes, more than {DEEPEST_INDEX} deep")
    for entry in field(index, "manifests", list):
        platform = field(entry, "platform", dict, {})
        kind = field(entry, "mediaType", str, "manifest")
        found = (field(platform, "os", str, "linux"),
                 field(platform, "architecture", str, machine()))
        if found != ("linux", machine()):
            have.append(repr("/".join(found)[:40]))
        elif "index" in kind or "manifest.list" in kind:
            if len(have) < 100:
                yield from fitting(path, document(blob(path, entry)), have, depth + 1)
        elif "manifest" in kind:
            yield entry


# ---- What every part must be --------------------------------------------------------------------

Json = dict[str, Any]
WORDS = {str: "a text", list: "a list", dict: "an object", int: "a number"}


def field(place: Any, name: str, kind: type[T], default: T | None = None) -> T:
    """Return a field of a JSON object if it is of a kind; null is as good as nothing."""
    value = place.get(name) if isinstance(place, dict) else None
    if value is None and default is not None:
        return default
    if not isinstance(value, kind):
        raise ContainerError(f"not a sound OCI layout: {name} should be {WORDS[kind]}, "
                             f"is {str(value)[:40]!r}")
    return value


def text(name: str, value: Any) -> str:
    """Return a text that can be an argument of a program."""
    if isinstance(value, str) and "\0" not in value:
        with contextlib.suppress(UnicodeEncodeError):
            os.fsencode(value)
            return value
    raise ContainerError(f"the image's {name} has {str(value)[:40]!r}, which is no plain text")


def document(path: Path) -> Json:
    """Return the JSON object in a file."""
    size = path.stat().st_size
    if not path.is_file() or size > MOST_JSON:
        raise ContainerError(f"{path} is no file, or longer than {MOST_JSON >> 20} MiB ({size})")
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ContainerError(f"{path} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ContainerError(f"{path} is not a JSON object")
    return found


def blob_path(path: Path, digest: Any) -> Path:
    """Return where a layout keeps a blob."""
    kind, _, value = str(digest).partition(":")
    if kind != "sha256" or len(value) != 64 or not {*value} <= {*"0123456789abcdef"}:
        raise ContainerError(f"digest {str(digest)[:80]!r} is not a SHA-256")
    return path / "blobs" / "sha256" / value


def blob(path: Path, entry: Json) -> Path:
    """Return the file of a blob whose size and digest are right."""
    file = blob_path(path, field(entry, "digest", str))
    if not file.is_file():
        raise ContainerError(f"blob {file.name} is missing")
    size, said = file.stat().st_size, field(entry, "size", int)
    if size != said:
        raise ContainerError(f"blob {file.name} has {size} bytes, not {str(said)[:20]}")
    with file.open("rb") as stream, open(os.devnull, "wb") as nowhere:
        if copy_and_hash(stream, nowhere) != file.name:
            raise ContainerError(f"blob {file.name} does not match its digest")
    return file
