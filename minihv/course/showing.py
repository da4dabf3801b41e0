"""show(): the package's version of something, beside the learner's."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from minihv.course.cards import emit
from minihv.course.exercise import CourseError, exercise
from minihv.course.texts import say
from minihv.course.views.source import STYLE, painted

FITS = 62  # characters of a line that half of a notebook's width shows


@dataclass(frozen=True)
class Beside:
    """Sources with a heading each: side by side in a notebook if they fit; as text one by one."""

    parts: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "\n\n".join(f"--- {title} ---\n{source}" for title, source in self.parts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        lines = [line for _, source in self.parts for line in source.splitlines()]
        basis = "24em" if max(map(len, lines), default=0) <= FITS else "100%"
        box = f"flex: 1 1 {basis}; min-width: 0"
        code = "white-space: pre; overflow-x: auto; font-size: 90%"
        columns = "".join(
            f'<div style="{box}"><strong>{escape(title)}</strong><pre style="{code}" tabindex="0" '
            f'role="region" aria-label="{escape(title)}">{painted(source)}</pre></div>'
            for title, source in self.parts
        )
        row = '<div class="mhv-source" style="display: flex; flex-wrap: wrap; gap: 2em">'
        return f"<style>{STYLE}</style>{row}{columns}</div>"


def show(thing: Any, yours: Any = None) -> None:
    """Show the package's `thing` (an object, or an exercise's id) and, if given, your own.

    A class of yours that derives from one of the package's is shown by the methods that it
    replaces, each beside the package's.
    """
    emit(Beside(tuple(_parts(thing, yours))))


def _parts(thing: Any, yours: Any) -> list[tuple[str, str]]:
    if type(thing) is str:
        found = exercise(thing)
        if found.counterpart is None:
            raise CourseError(say("show", "no_counterpart", id=thing))
        thing = found.counterpart()
    elif yours is None and not _ours(thing):
        replaced = _replaced(thing if inspect.isclass(thing) else type(thing))
        if replaced:
            return replaced
    parts = [_part("theirs" if _ours(thing) else "yours", thing)]
    return parts if yours is None else [*parts, _part("yours", yours)]


def _ours(thing: Any) -> bool:
    """Tell if the package defines this."""
    module = getattr(thing, "__module__", None) or type(thing).__module__
    return type(thing) is str or str(module).partition(".")[0] == "minihv"


def _part(key: str, thing: Any) -> tuple[str, str]:
    if type(thing) is str:
        return say("show", key, name=thing.partition("\n")[0].strip("# ")), thing
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    name = getattr(named, "__qualname__", str(named))
    if key == "theirs":
        name = f"{named.__module__}.{name}"
    return say("show", key, name=name), source_of(named)


def source_of(thing: Callable | type) -> str:
    """Return the source text of a function or class, without its indentation."""
    try:
        return textwrap.dedent(inspect.getsource(thing)).rstrip()
    except (OSError, TypeError):
        return say("show", "no_source")


def _replaced(kind: type) -> list[tuple[str, str]]:
    """Return the package's and the learner's version of each method that `kind` replaces."""
    theirs = next((base for base in kind.__mro__ if _ours(base)), None)
    if theirs is None:
        return []
    parts = []
    for name, mine in vars(kind).items():
        original = getattr(theirs, name, None)
        if inspect.isfunction(mine) and inspect.isfunction(original):
            parts += [_part("theirs", original), _part("yours", mine)]
    return parts
