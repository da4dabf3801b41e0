"""Containers: one API over a deterministic model and the real Linux kernel.

`open_kernel()` gives a machine whose processes make system calls: `k.init.clone("pid").view()`.
`session.Session` runs containers; `python -m minihv.containers` is their command line.
"""

from __future__ import annotations

from typing import Any


def open_kernel(backend: str = "auto", user: bool = True, dirs: tuple[str, ...] = ()) -> Any:
    """A model.Kernel or a linux.Kernel (a throw-away world); `auto` takes the real one where the
    host allows it. `user=False` leaves the world's own user namespace out and needs root."""
    if backend not in ("auto", "model", "linux"):
        from minihv.errors import ConfigError

        raise ConfigError(f"no backend {backend!r}: auto, model or linux")
    if backend != "model":
        from minihv.containers import linux
        from minihv.errors import MinihvError

        try:
            return linux.Kernel(user=user, dirs=dirs)
        except MinihvError:
            if backend == "linux":
                raise
    from minihv.containers import model

    return model.Kernel(dirs=dirs)
