"""The store: images by name, each a list of layers and a little configuration.

A layer is kept once, unpacked, under the SHA-256 of its tar (archives.py). Layers become the lower
directories of an overlay, so images share them and containers never change them.
"""

from __future__ import annotations

import json
import os
import sysconfig
from pathlib import Path
from typing import Any, NamedTuple

from minihv.containers import steps
from minihv.errors import MinihvError


class ContainerError(MinihvError):
    """A container or image that cannot be had, in one clear line."""


class Image(NamedTuple):
    """Layers from the bottom up, and what to run."""

    name: str
    layers: list[str]
    cmd: tuple[str, ...] = ("sh",)
    env: dict[str, str] = {}
    cwd: str = "/"


def default_home() -> Path:
    """Where images and containers live: $MINIHV_HOME, else a folder of the user's own."""
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
        """Directory of an unpacked layer."""
        return self.home / "layers" / digest

    def names(self) -> list[str]:
        """All images."""
        return sorted(p.stem for p in (self.home / "images").glob("*.json"))

    def find(self, name: str) -> Image:
        """An image of the store, or made on the spot from a path or for `busybox`."""
        path = self.home / "images" / f"{name}.json"
        if name and "/" not in name and path.exists():
            return Image(**json.loads(path.read_text()))
        from minihv.containers import archives

        if Path(name).exists():
            return archives.add(self, Path(name))
        if name == "busybox":
            return archives.provide_busybox(self)
        raise ContainerError(f"no image {name!r}: have {', '.join(self.names()) or 'none'}; "
                             "give the path of a tar file or of an OCI layout, or use busybox")

    def save(self, image: Image) -> Image:
        """Remember an image under its name."""
        folder = self.home / "images"
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f".{image.name}.{os.getpid()}"
        new.write_text(json.dumps(image._asdict()))
        new.rename(folder / f"{image.name}.json")
        return image


def make_spec(store: Store, image: Image, cmd: list[str] | None = None, *, memory: int = 0,
              pids: int = 0, cpus: float = 0, shares: int = 0, net: str = "none",
              rootless: bool | None = None, hostname: str = "", name: str = "",
              without: tuple[str, ...] = (), binds: tuple[tuple[str, str], ...] = (),
              remove: bool = False) -> dict[str, Any]:
    """All that the runner needs to know (memory in bytes, cpus in cores)."""
    unknown = set(without) - set(steps.DEFENCES)
    if unknown:
        raise ContainerError(f"no defence {', '.join(unknown)}; have {', '.join(steps.DEFENCES)}")
    if net not in ("none", "bridge", "host"):
        raise ContainerError(f"no network {net!r}: bridge or none")
    user = os.getuid() != 0 if rootless is None else rootless
    if net == "bridge" and os.getuid():
        raise ContainerError("--net bridge needs root, to make a bridge on the host; "
                             "use --net none, or sudo")
    identity = os.urandom(6).hex()
    wanted = {"memory": memory, "pids": pids, "cpus": cpus, "shares": shares}
    layers = [str(store.layer_path(d)) for d in reversed(image.layers)]
    return {
        "id": identity, "name": name or identity, "image": image.name, "lowers": layers,
        "folder": str(store.home / "containers" / identity), "cmd": cmd or list(image.cmd),
        "env": image.env, "cwd": image.cwd, "hostname": hostname or identity, "net": net,
        "user": user and "user" not in without, "without": list(without), "binds": list(binds),
        "limits": {k: v for k, v in wanted.items() if v}, "remove": remove,
        "scratch": str(store.home / "scratch"),
        "site": [sysconfig.get_paths()["purelib"]] if net == "bridge" else [],
    }
