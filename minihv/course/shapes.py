"""What an answer must look like, told to a learner in words.

A shape is written as the data looks: int, str, bool, float (any finite number), object
(anything); [int, int] for a
tuple or list of just these; Each(int) for one of any length; {"a": int} for a dict with just
these keys; Maybe(int) where None may stand; a tuple of strings for one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

NAMES = {int: "an int", str: "a str", bool: "a bool", float: "a number", dict: "a dict",
         list: "a tuple or list", type(None): "None"}  # fmt: skip


@dataclass(frozen=True)
class Each:
    """A list of any length, every part of which has the shape `part`."""

    part: Any


@dataclass(frozen=True)
class Maybe:
    """None, or a value of the shape `part`."""

    part: Any


def misfit(shape: Any, got: Any, it: str = "it") -> str:
    """Return why `got`, plain data, has not this shape ("it is a str, not an int"), or ""."""
    if isinstance(shape, Maybe):
        return "" if got is None else misfit(shape.part, got, it)
    if isinstance(shape, type):
        fits = type(got) is shape or (shape is float and type(got) is int) or shape is object
        if shape is float and fits and not isfinite(got):
            return f"{it} is {got}"
        return "" if fits else f"{it} is {_named(got)}, not {NAMES[shape]}"
    if isinstance(shape, tuple):
        return "" if type(got) is str and got in shape else f"{it} is none of {', '.join(shape)}"
    if isinstance(shape, dict):
        if type(got) is not dict or got.keys() != shape.keys():
            return f"{it} is not a dict with just the keys {', '.join(shape)}"
        return next(filter(None, (misfit(shape[key], got[key], f"{it}[{key!r}]")
                                  for key in shape)), "")  # fmt: skip
    if type(got) is not list:
        return f"{it} is {_named(got)}, not a tuple or list"
    parts = [shape.part] * len(got) if isinstance(shape, Each) else shape
    if len(got) != len(parts):
        return f"{it} has {len(got)} parts, not {len(parts)}"
    return next(filter(None, (misfit(part, got[n], f"{it}[{n}]")
                              for n, part in enumerate(parts))), "")  # fmt: skip


def _named(got: Any) -> str:
    """Return what kind of value `got` is."""
    return NAMES.get(type(got), "no plain value")
