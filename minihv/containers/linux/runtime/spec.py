"""What a container is to be, checked; all that a runner needs to know, as plain data."""

from __future__ import annotations

import os
import re
import sysconfig
from pathlib import Path

from minihv.containers import steps, words
from minihv.containers.images import ContainerError, Image, Store
from minihv.containers.linux.runtime.first import Spec

NAME = re.compile("(?![0-9a-f]{12}$)[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")  # and unlike an id
HOST_NAME = re.compile("[A-Za-z0-9_.-]{1,64}")
MOST_MOUNT_OPTIONS = 3500  # bytes, of the page that mount(2) takes; the rest is the upper layer's


def closed_folder(home: Path) -> Path | None:
    """Return a folder above a store that root inside a user namespace may not pass, if any."""
    inside = words.SUBORDINATE[0]
    for folder in reversed([home, *home.parents]):
        about = folder.stat()
        bit = 0o100 if about.st_uid == inside else 0o010 if about.st_gid == inside else 0o001
        if not about.st_mode & bit:
            return folder
    return None


def make_spec(store: Store, image: Image, cmd: list[str] | None = None, *, memory: int = 0,
              pids: int = 0, cpus: float = 0, shares: int = 0, net: str = "none",
              rootless: bool | None = None, hostname: str = "", name: str = "",
              without: tuple[str, ...] = (), binds: tuple[tuple[str, str], ...] = (),
              trees: tuple[tuple[str, str], ...] = (), remove: bool = False) -> Spec:
    """Return all that the runner needs to know (memory in bytes, cpus in cores)."""
    unknown = set(without) - set(steps.DEFENCES)
    if unknown:
        raise ContainerError(f"no defence {', '.join(unknown)}; have {', '.join(steps.DEFENCES)}")
    if net not in ("none", "bridge", "host"):
        raise ContainerError(f"no network {net!r}: bridge or none")
    if name and not NAME.fullmatch(name):
        raise ContainerError(f"no name for a container: {name[:80]!r}; it has up to 63 letters, "
                             "digits, dots, dashes and _, and begins with a letter or a digit")
    if hostname and not HOST_NAME.fullmatch(hostname):
        raise ContainerError(f"no host name: {hostname[:80]!r}; it has up to 64 letters, digits, "
                             "dots, dashes and _")
    if {*",:\\"} & {*str(store.home)}:
        raise ContainerError(f"the store is in {str(store.home)!r}: overlayfs takes no path with "
                             "a comma, colon or backslash; set MINIHV_HOME to another")
    if not (cmd or image.cmd or image.entrypoint):
        raise ContainerError(f"image {image.name} names no command; give one: -- CMD")
    user = os.getuid() != 0 if rootless is None else rootless
    if net == "bridge" and os.getuid():
        raise ContainerError("--net bridge needs root, to make a bridge on the host; "
                             "use --net none, or sudo")
    store.shut()
    if user and os.getuid() == 0 and (closed := closed_folder(store.home)):
        raise ContainerError(f"{closed} lets nobody but its owner pass, so rootless containers do "
                             "not reach the store in it; set MINIHV_HOME to another folder")
    identity = os.urandom(6).hex()
    wanted = {"memory": memory, "pids": pids, "cpus": cpus, "shares": shares}
    layers = [str(store.layer_path(d)) for d in reversed(image.layers)]
    if len(":".join(layers)) > MOST_MOUNT_OPTIONS:
        raise ContainerError(f"image {image.name} has {len(layers)} layers, more than one mount "
                             "takes: build it with fewer")
    return {
        "id": identity, "name": name or identity, "image": image.name, "lowers": layers,
        "folder": str(store.home / "containers" / identity), "env": image.env,
        "cmd": [*image.entrypoint, *(cmd or image.cmd)], "as": image.user,
        "cwd": image.cwd, "hostname": hostname or identity, "net": net,
        "user": user and "user" not in without, "without": list(without),
        "binds": list(binds), "trees": list(trees),
        "limits": {k: v for k, v in wanted.items() if v}, "remove": remove,
        "scratch": str(store.home / "scratch"),
        "site": [sysconfig.get_paths()["purelib"]] if net == "bridge" else [],
    }
