"""What this host grants containers, found by trying: limits, a world for experiments, an image.

For `minihv doctor`, which tries namespaces and overlayfs itself: (what, does it work, detail).
"""

from __future__ import annotations

import os
import sys

from minihv.containers import linux
from minihv.containers.images.busybox import host_busybox
from minihv.containers.linux import cgroups
from minihv.errors import MinihvError


def facts() -> list[tuple[str, bool, str]]:
    """Try it all; nothing stays behind."""
    if not sys.platform.startswith("linux"):
        return [("containers", False, f"{sys.platform} is not Linux")]
    limits = cgroups.Limits.make(f"probe-{os.getpid()}", pids=100, memory=1 << 26, cpus=0.5)
    limits.remove()
    found = [(f"limit on {k}", True, place) for k, place in limits.works.items()]
    found += [(f"limit on {k}", False, why) for k, why in limits.missing.items()]
    for user, what in ((False, "world"), (True, "rootless world")):
        try:
            linux.Kernel(user=user).close()
            found.append((what, True, "can be made"))
        except MinihvError as error:
            found.append((what, False, str(error)))
    image = host_busybox()
    return [*found, ("busybox", bool(image), str(image or "none here: fetched by apt-get"))]
