"""The course's content, a folder per chapter.

    chNN/__init__.py   the names that notebooks import, each loaded when it is first used
    chNN/beside/       what runs beside the learner's code: calls it, and the benches that it uses
    chNN/checks/       draws the exercises' cases, knows and judges the answers; en.toml says it
    chNN/views/        views and figures: Python, script and style sheet; en.toml has their words

`minihv.course` finds chapters by these names when they are asked for.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def names(package: str, **homes: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of `package` for names whose modules are `homes`."""

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return get, lambda: sorted(homes)
