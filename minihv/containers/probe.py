"""What this host grants containers, found by trying: limits, a world for experiments, an image.

For `minihv doctor`, which tries namespaces and overlayfs itself: (what, does it work, detail).
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from minihv.containers import archives, cgroups, linux
from minihv.errors import MinihvError


class Fact(NamedTuple):
    """One line of the report."""

    what: str
    works: bool
    detail: str


def facts() -> list[Fact]:
    """All of it; nothing of it stays behind."""
    if not sys.platform.startswith("linux"):
        return [Fact("containers", False, f"{sys.platform} is not Linux")]
    limits = cgroups.Limits.make(f"probe-{os.getpid()}", pids=100, memory=1 << 26, cpus=0.5)
    limits.remove()
    found = [Fact(f"limit on {name}", name in limits.works,
                  limits.works.get(name) or limits.missing[name])
             for name in ("memory", "pids", "cpus")]
    for user in (False, True):
        try:
            linux.Kernel(user=user).close()
            found.append(Fact("rootless world" if user else "world", True, "can be made"))
        except MinihvError as error:
            found.append(Fact("rootless world" if user else "world", False, str(error)))
    image = archives.static_busybox()
    return [*found, Fact("busybox", bool(image), str(image or "none here: fetched by apt-get"))]
