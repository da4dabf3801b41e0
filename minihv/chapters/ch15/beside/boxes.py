"""Exercise 15.3's containers: a recipe, followed on a fresh kernel of the model."""

from __future__ import annotations

from typing import Any

from minihv.containers import model

Recipe = dict[str, Any]


def start(made: Recipe) -> tuple[Any, Any]:
    """Return (the container's first process, the host's) after a recipe on a fresh kernel."""
    kernel = model.Kernel(dirs=("box", "decoy"))
    host = kernel.init
    host.write("/decoy/secret", "found")
    host.bind(22)
    if made["shared"]:
        host.mount(None, "/", "", "rec shared")
    for _ in range(made["others"]):
        host.clone()
    box = host.clone(*made["kinds"])
    for name, *arguments in made["steps"]:
        getattr(box, name)(*arguments)
    for _ in range(made["orphans"]):
        child = box.clone()
        child.exit()
        if made["reaps"]:
            box.wait()
    return box, host
