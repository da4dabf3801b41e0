"""Exercise 04.1's calls: the masks for each wish, then what to do about each exit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def handled(call: Callable[..., list], answers: Sequence[Any], asked: Any) -> list:
    """Return an outcome of `delegate` for every wish, then of `dispatch` for every exit."""
    delegate, dispatch = answers
    ram, devices = tuple(asked["ram"]), [tuple(device) for device in asked["devices"]]
    found = [call(delegate, *wish) for wish in asked["wishes"]]
    return found + [call(dispatch, dict(csrs), ram, devices) for csrs in asked["exits"]]
