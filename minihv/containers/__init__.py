"""Containers: one API over a deterministic model and the real Linux kernel.

`open_kernel()` gives a machine whose processes make system calls: `k.init.clone("pid").view()`.
`try_session()` gives real containers: `session.run("busybox", ["ls"])`; `minihv container` is
their command line. In here:

    model        the kernel's rules in Python, for any computer
    linux        the real kernel behind the same methods, and containers that run programs
    images       what a container's files come from
    steps        how a container is made, in system calls of either kernel
    experiments  what namespaces, limits and defences are for, on either kernel
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minihv.errors import ConfigError, MinihvError

if TYPE_CHECKING:
    from minihv.containers.linux.runtime.session import Session

BACKENDS = ("auto", "model", "linux")


def open_kernel(backend: str = "auto", user: bool | None = False,
                dirs: tuple[str, ...] = (), trial: Callable[[Any], object] | None = None) -> Any:
    """Return a model.Kernel or a linux.Kernel (a throw-away world). `auto` takes the real one if
    the host allows it, or what $MINIHV_CONTAINERS says. Its `backend` says which it is, and why.

    user=True: the world gets a user namespace of its own, as ordinary users need. False: it has
    all of root's rights, which needs root. None: with root's rights if possible, else without.
    trial: must get through in a world of its own (without OSError) before a real one is given.
    """
    if backend == "auto":
        backend = os.environ.get("MINIHV_CONTAINERS", "auto")
    if backend not in BACKENDS:
        raise ConfigError(f"no backend {backend!r}: {', '.join(BACKENDS)}")
    from minihv.containers import model

    if backend == "model":
        return model.Kernel(dirs=dirs)
    if backend == "auto" and sys.platform != "linux":
        return model.Kernel(dirs=dirs, why=f"{sys.platform} is not Linux")
    from minihv.containers import linux

    refused: Exception | None = None
    for kind in (False, True) if user is None else (user,):
        try:
            if trial:
                with linux.Kernel(user=kind, dirs=dirs) as world:
                    trial(world)
            return linux.Kernel(user=kind, dirs=dirs)
        except (MinihvError, OSError) as error:
            refused = refused or error
    if backend == "linux" and refused:
        raise refused
    return model.Kernel(dirs=dirs, why=str(refused).partition(";")[0])


def try_session(image: str = "busybox") -> tuple[Session | None, str]:
    """Return a session on a host that can run real containers; else None and the reason."""
    if os.environ.get("MINIHV_CONTAINERS") == "model":
        return None, "MINIHV_CONTAINERS asks for the model"
    if sys.platform != "linux":
        return None, f"{sys.platform} is not Linux"
    from minihv.containers.linux.runtime.session import Session

    session = Session()
    try:
        session.run(image, ["true"]).close()
    except (MinihvError, OSError) as error:
        session.close()
        return None, str(error)
    return session, ""
