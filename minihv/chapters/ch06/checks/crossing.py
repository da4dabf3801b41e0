"""Exercise 06.4: from which working set on shadow paging is at least as fast as nested paging.

Rows are (pages, accesses, misses) as a sweep counts them; prices are of one miss and one update.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, wrong
from minihv.course.shapes import Maybe
from minihv.vmm import SyncedShadowPaging

Row = list[int]


@dataclass(frozen=True)
class Sweep:
    """Counts of a sweep, updates in a million accesses, and prices in ns: of a miss under shadow
    and under nested paging, and of an update under either."""

    rows: list[Row]
    updates: int
    shadow_miss: int
    nested_miss: int
    shadow_update: int
    nested_update: int

    @property
    def arguments(self) -> list:
        """As the learner's function takes them."""
        return [self.rows, self.updates, [self.shadow_miss, self.shadow_update],
                [self.nested_miss, self.nested_update]]  # fmt: skip


def solve(sweep: Sweep, extra: Callable[[Sweep], int] | None = None,
          strict: bool = False, per_million: bool = True) -> int | None:
    """Return the smallest working set for which shadow paging costs no more."""
    miss = extra(sweep) if extra else sweep.nested_miss - sweep.shadow_miss
    for pages, accesses, misses in sweep.rows:
        updates = sweep.updates * (accesses if per_million else 1_000_000)
        shadow = updates * (sweep.shadow_update - sweep.nested_update)
        nested = misses * miss * 1_000_000
        if shadow < nested or (shadow == nested and not strict):
            return pages
    return None


MISTAKES: dict[str, Callable[[Sweep], int | None]] = {
    "whole_miss": lambda s: solve(s, lambda s: s.nested_miss),
    "ratio": lambda s: solve(s, lambda s: s.nested_miss // s.shadow_miss),
    "not_scaled": lambda s: solve(s, per_million=False),
    "strict": lambda s: solve(s, strict=True),
    "reversed": lambda s: next((pages for pages, accesses, misses in s.rows
                                if s.updates * accesses * (s.shadow_update - s.nested_update)
                                >= misses * (s.nested_miss - s.shadow_miss) * 1_000_000), None),
    "largest": lambda s: s.rows[-1][0] if solve(s) is not None else None,
}  # fmt: skip


def sweep(rng: Random, kind: str) -> Sweep:
    """Return a sweep over a 4,096-page TLB; kind: "", "equal" (at one row), "never", "always"."""
    accesses = rng.choice((250_000, 500_000, 2_000_000))
    rows = []
    for pages in sorted(rng.sample(range(1, 9), 4)):
        size = 4096 + pages * 512
        rows.append([size, accesses, accesses * (size - 4096) // size // 64 * 64])
    rows = [[1024, accesses, 0], [4096, accesses, 0], *rows]
    shadow_miss = rng.randrange(100, 200)
    nested_miss = shadow_miss + 64 * rng.randrange(2, 6)
    nested_update = rng.randrange(1000, 4000)
    chosen = rows[rng.randrange(3, 5)]
    cost = chosen[2] * (nested_miss - shadow_miss)
    updates = rng.choice((10, 20, 40))
    extra = cost * 1_000_000 // (updates * accesses)
    if kind == "equal":  # choose the price so that both cost exactly the same
        updates, extra = 1_000_000 // 64, cost * 64 // accesses
        if updates * accesses * extra != cost * 1_000_000:
            return sweep(rng, kind)
    elif kind == "never":
        extra *= 20
    elif kind == "always":
        updates = 0
    else:
        extra -= extra // 50
    return Sweep(rows, updates, shadow_miss, nested_miss, nested_update + extra, nested_update)


def make(rng: Random) -> list[Sweep]:
    """Ten sweeps."""
    return [sweep(rng, kind) for kind in ("", "", "", "", "equal", "equal", "never", "always", "")]


EXERCISE = Exercise(
    id="06.4", minutes=30, difficulty=2, points=4, make=make,
    form=Cases(
        call=lambda sweep: sweep.arguments,
        right=solve,
        shape=Maybe(int),
        mistakes=MISTAKES,
        explain=lambda got, sweep: wrong("crossing", got=got, right=solve(sweep)),
        choice="b",
    ),
    counterpart=lambda: SyncedShadowPaging,  # the other pager: shadow tables that are never stale
)  # fmt: skip
