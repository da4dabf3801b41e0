"""An image of a static busybox: the host's, else that of Debian's package."""

from __future__ import annotations

import io
import os
import sys
import tarfile
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from minihv.containers.images.archives import ContainerError, Contents


def host_busybox() -> Path | None:
    """Return a busybox of this host that needs no libraries."""
    places = (Path("/bin/busybox"), Path("/usr/bin/busybox"))
    return next((p for p in places if p.exists() and b"ld-linux" not in p.read_bytes()[:4096]),
                None)


def provide() -> Contents:
    """Return an image of the host's busybox, else of one that apt-get fetches."""
    from subprocess import SubprocessError

    if place := host_busybox():
        return contents(place)
    try:
        with tempfile.TemporaryDirectory(prefix="minihv-busybox-") as folder:
            return contents(fetch(Path(folder)))
    except (OSError, SubprocessError) as error:
        raise ContainerError("no static busybox here and apt-get could not fetch one; get it "
                             f"with: apt-get install busybox-static ({error})") from error


def fetch(folder: Path) -> Path:
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


def contents(binary: Path) -> Contents:
    """Return an image of one static busybox and links for its commands."""
    import subprocess

    done = subprocess.run(["busybox", "--list"], executable=binary, capture_output=True, text=True)
    names = done.stdout.split()  # whatever the file is called, it goes by the name that it is told
    return Contents([(partial(io.BytesIO, tar_of(binary.read_bytes(), names)), "")])


def tar_of(binary: bytes, names: list[str]) -> bytes:
    """Return a root file system as a tar with fixed dates, so that its digest repeats."""
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
