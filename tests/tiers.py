"""How much of what is random or counted a run tries: $MINIHV_TIER, which `make` sets.

    small   make test           every rule once
    full    make test FULL=1    what CI runs
    soak    make soak           as much as a night has room for
"""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")
TIERS = ("small", "full", "soak")
TIER = os.environ.get("MINIHV_TIER") or TIERS[0]
if TIER not in TIERS:
    raise ValueError(f"MINIHV_TIER is {TIER!r}: give one of {', '.join(TIERS)}")


def count(small: T, full: T, soak: T) -> T:
    """Return what this run's tier is to try: a number of cases, or the cases themselves."""
    return (small, full, soak)[TIERS.index(TIER)]
