"""The store: images by name, each a list of layers and a little configuration.

A layer is kept once, unpacked, under its chain ID (config.md of the OCI image specification): the
SHA-256 of its tar or, because the result depends on what is below it, of that and the chain ID
below. Layers become the lower directories of an overlay, so images share them and containers never
change them. A tar is unpacked by a child process (unpack.py) that is locked into the layer's
directory by chroot: no path or link in it can lead outside.

What reads archives is imported when one comes: it would be half of what each command has to load.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from minihv.containers import words
from minihv.errors import ContainerError

if TYPE_CHECKING:
    from minihv.containers.images.archives import Contents


class Image(NamedTuple):
    """Chain IDs of layers from the bottom up, and the defaults of what to run."""

    name: str
    layers: list[str]
    cmd: tuple[str, ...] = ("sh",)
    env: dict[str, str] = {}
    cwd: str = "/"
    entrypoint: tuple[str, ...] = ()
    user: str = ""


def default_home() -> Path:
    """Return where images and containers live: $MINIHV_HOME, else a folder of the user's own."""
    if home := os.environ.get("MINIHV_HOME"):
        return Path(home).absolute()
    if os.getuid() == 0:
        return Path("/var/lib/minihv")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "minihv"


class Store:
    """The images of one home directory."""

    def __init__(self, home: Path | None = None):
        self.home = home or default_home()

    def layer_path(self, digest: str) -> Path:
        """Return the directory of an unpacked layer."""
        return self.home / "layers" / digest

    def names(self) -> list[str]:
        """Return the names of all images."""
        return sorted(p.stem for p in (self.home / "images").glob("*.json"))

    def find(self, name: str) -> Image:
        """Return an image of the store, or made on the spot from a path or for `busybox`."""
        path = self.home / "images" / f"{name}.json"
        if name and "/" not in name and os.path.exists(path):
            try:
                return Image(**json.loads(path.read_text()))
            except (ValueError, TypeError) as error:
                raise ContainerError(f"image {name!r} is damaged in the store: add it again "
                                     f"({path}: {error})") from error
        if os.path.exists(name):  # Path.exists raises for names that are too long
            return self.add(Path(name))
        if name == "busybox":
            from minihv.containers.images import busybox

            return self.take(name, busybox.provide())
        known = ", ".join(self.names()) or "none"
        raise ContainerError(f"no image {name[:80]!r} (there are: {known}); give the path of a "
                             "tar file or of an OCI layout, or use busybox")

    def add(self, path: Path, name: str = "") -> Image:
        """Take a root file system in a tar, or an OCI layout, under its own name or another."""
        from minihv.containers.images.archives import Contents, oci_layout, open_tar

        name = name or path.absolute().name.split(".")[0]
        try:
            if (path / "oci-layout").exists():
                return self.take(name, oci_layout(path))
            if path.is_file():
                return self.take(name, Contents([(partial(open_tar, path), "")]))
        except OSError as error:
            raise ContainerError(f"cannot take {path}: {error.filename or self.home}: "
                                 f"{error.strerror or error}") from error
        raise ContainerError(f"{path} is neither a tar file nor an OCI image layout")

    def take(self, name: str, contents: Contents) -> Image:
        """Unpack the layers that are not here yet, and remember the image under a name."""
        if not name.isprintable() or "/" in name or name[:1] in ("", ".") or len(name) > 100:
            raise ContainerError(f"an image cannot be called {name!r}: give it a name of "
                                 "letters, digits and hyphens")
        layers: list[str] = []
        for opened, digest in contents.layers:
            with opened() as stream:
                layers.append(self._add_layer(stream, digest, layers))
        image = Image(name, layers, *contents[1:])
        folder = self.home / "images"
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f".{name}.{os.getpid()}"
        new.write_text(json.dumps(image._asdict()))
        new.rename(folder / f"{name}.json")
        return image

    def _add_layer(self, stream: IO[bytes], expected: str, below: list[str]) -> str:
        """Unpack a tar over the layers below, unless it is here already; return its chain ID."""
        import hashlib
        import tempfile

        from minihv.containers.images.archives import copy_and_hash

        folder = self.home / "layers"
        folder.mkdir(parents=True, exist_ok=True)
        self.shut()
        with tempfile.TemporaryFile(dir=folder) as spool:
            chain = digest = copy_and_hash(stream, spool)
            if expected and digest != expected:
                raise ContainerError(f"layer has SHA-256 {digest}, its image says {expected}: "
                                     "the layout is damaged")
            if below:
                pair = f"sha256:{below[-1]} sha256:{digest}"
                chain = hashlib.sha256(pair.encode()).hexdigest()
            if not self.layer_path(chain).exists():
                spool.seek(0)
                self._unpack(spool, self.layer_path(chain), below[::-1], bool(expected))
        return chain

    def shut(self) -> None:
        """Let no other user in: a set-uid program of an image, or one that a container writes, has
        its owner's rights also when somebody on the host starts it."""
        if os.getuid() == 0:
            os.chown(self.home, 0, words.SUBORDINATE[0])  # who root inside may be
        self.home.chmod(0o710 if os.getuid() == 0 else 0o700)

    def _unpack(self, spool: IO[bytes], target: Path, lowers: list[str], checked: bool) -> None:
        import subprocess
        import tempfile

        new = Path(tempfile.mkdtemp(dir=target.parent))
        command = [sys.executable, "-I", "-S", "-X", "utf8",
                   str(Path(__file__).with_name("unpack.py")),
                   "checked" if checked else "unchecked", str(new), *lowers]
        done = subprocess.run(command, stdin=spool, capture_output=True, text=True,
                              errors="replace")
        with contextlib.suppress(OSError):  # another process was faster
            if done.returncode == 0:
                (new / "upper").rename(target)
        shutil.rmtree(new, ignore_errors=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
            raise ContainerError(f"cannot unpack a layer: {last}")
