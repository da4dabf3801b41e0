"""Exercise 06.4: from which working set on shadow paging is at least as fast as nested paging.

Rows are (pages, accesses, misses) as a sweep counts them; prices are of one miss and one update.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble
from minihv.vmm import SyncedShadowPaging

CHOICES = ("a", "b", "c", "d")
RIGHT = "b"
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
    """The smallest working set for which shadow paging costs no more."""
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
    """A sweep over a TLB of 4,096 pages; kind: "", "equal" (at one row), "never", "always"."""
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


def ask(sweeps: list[Sweep]) -> list:
    """The arguments."""
    return [s.arguments for s in sweeps]


def put(call: Any, answers: Any, asked: Any) -> list:
    """One outcome for each sweep, and the choice."""
    from minihv.course.answers import value

    return [*(call(answers[0], *arguments) for arguments in asked), value(answers[1])]


def judge(outcomes: list, sweeps: list[Sweep]) -> Verdict:
    """The first sweep with a wrong crossing, then the choice."""
    if len(outcomes) != len(sweeps) + 1:
        return wrong("handback")
    found: list[int | None] = []
    for number, outcome in enumerate(outcomes[:-1], 1):
        bad = trouble(outcome)
        if bad is not None:
            return bad if bad.key == "late" else wrong(f"{bad.key}_at", **bad.values, number=number)
        got = outcome[1]
        if got is not None and type(got) is not int:
            return wrong("shape", got=repr(got)[:60])
        found.append(got)
    for number, (got, s) in enumerate(zip(found, sweeps, strict=True), 1):
        if got != solve(s):
            keys = [key for key, mistake in MISTAKES.items() if all(
                f == mistake(each) for f, each in zip(found, sweeps, strict=True))]  # fmt: skip
            return wrong(keys[0] if keys else "crossing", number=number, got=got, right=solve(s))
    choice = outcomes[-1][1] if outcomes[-1][0] == "value" else None
    if choice == RIGHT:
        return Verdict(True, "passed", {"count": len(sweeps)})
    return wrong(f"choice_{choice}" if choice in CHOICES else "no_choice")


def counterpart() -> type:
    """The other pager: shadow tables that are never stale."""
    return SyncedShadowPaging


def play(sweeps: list[Sweep]) -> list[Sweep]:
    """All sweeps."""
    return sweeps
