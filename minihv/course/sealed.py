"""What an object knows and its holder is to find out: which fault was planted in it.

A learner's function gets objects that behave wrongly in one way. Were the way an attribute of the
object, or a variable of its closure, a glance would be the answer. (Who looks for this module's
own table finds it: code in the same process can read everything. That is no longer an accident.)
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary


class Sealed:
    """Stands for a secret; tells nothing about it."""

    __slots__ = ("__weakref__",)

    def __init__(self, secret: Any):
        _SECRETS[self] = secret


def opened(sealed: Sealed) -> Any:
    """Return the secret."""
    return _SECRETS[sealed]


_SECRETS: WeakKeyDictionary[Sealed, Any] = WeakKeyDictionary()
