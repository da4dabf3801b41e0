"""Exercise 15.1's calls: each question goes to one of three functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def answered(call: Callable[..., list], answers: Sequence[Any], asked: Any) -> list:
    """Return an outcome for each question; all of them are about the same namespaces."""
    by_name = dict(zip(("to_host", "seen_as", "capable"), answers, strict=True))
    return [call(by_name[what], asked["spaces"], *arguments)
            for what, *arguments in asked["calls"]]  # fmt: skip
