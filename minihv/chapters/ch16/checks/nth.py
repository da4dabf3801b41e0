"""Exercise 16.5: the n-th start that is not flat: measure it, fit a line, say why.

The control plane is a toy of XenStore: a tree of names, in which each instance watches some, and
every write is told to every watcher whose name is a beginning of what was written. What is counted
is messages, so that a measurement is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble

CHOICES = "abcd"


class Store:
    """A tree of names with watches; `messages` counts writes and what they caused to be told."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.watches: list[str] = []
        self.messages = 0

    def write(self, name: str, value: str) -> None:
        """Store a value; every watch on a beginning of the name is told."""
        self.names[name] = value
        self.messages += 1 + sum(name.startswith(watch) for watch in self.watches)

    def watch(self, name: str) -> None:
        """Be told of every write below `name`."""
        self.watches.append(name)
        self.messages += 1


def start(store: Store, number: int, watched: str = "/vm/") -> int:
    """Start instance `number` by the store; the messages that it took."""
    before = store.messages
    for key in ("name", "memory", "console", "state"):
        store.write(f"/vm/{number}/{key}", "x")
    store.watch(watched.format(number))
    return store.messages - before


@dataclass(frozen=True)
class Series:
    """Measured starts: (n, microseconds); and the line they were made from, with noise."""

    points: tuple[tuple[int, float], ...]
    base: float
    slope: float


def make(rng: Random) -> list[Series]:
    """Eight series: flat ones, steep ones."""
    found = []
    for kind in ("steep", "flat", "slow", "steep", "slow", "flat", "slow", "steep"):
        base = rng.uniform(200, 9000)
        slope = base * {"steep": rng.uniform(0.05, 0.9), "slow": rng.uniform(0.004, 0.02),
                        "flat": 0.0}[kind]  # fmt: skip
        count = rng.randint(80, 160)
        noise = 0.01 * base
        points = tuple((n, round(base + slope * n + rng.uniform(-noise, noise), 2))
                       for n in range(1, count + 1))
        found.append(Series(points, base, slope))
    return found


def fit(points: Any) -> tuple[float, float]:
    """(base, slope) by least squares."""
    count = len(points)
    mean_n = sum(n for n, _ in points) / count
    mean = sum(value for _, value in points) / count
    slope = sum((n - mean_n) * (value - mean) for n, value in points)
    slope /= sum((n - mean_n) ** 2 for n, _ in points)
    return mean - slope * mean_n, slope


def ask(series: list[Series]) -> list:
    """The points."""
    return [[list(point) for point in s.points] for s in series]


def put(call: Callable[..., list], answers: Any, asked: Any) -> list:
    """One outcome for each series, then the choice."""
    from minihv.course.answers import value

    lines = [call(answers[0], [(int(n), float(v)) for n, v in points]) for points in asked]
    return [*lines, value(answers[1])]


def judge(outcomes: list, series: list[Series]) -> Verdict:
    """The first line that does not fit, then the choice."""
    if len(outcomes) != len(series) + 1:
        return wrong("handback")
    for number, (outcome, s) in enumerate(zip(outcomes, series, strict=False), 1):
        bad = trouble(outcome)
        if bad is not None:
            return bad if bad.key == "late" else wrong(f"{bad.key}_at", number=number, **bad.values)
        got = outcome[1]
        if type(got) is not list or len(got) != 2 or any(type(v) not in (int, float) for v in got):
            return wrong("shape", got=repr(got)[:60], number=number)
        verdict = _line(float(got[0]), float(got[1]), s, number)
        if verdict is not None:
            return verdict
    choice = outcomes[-1]
    if choice[0] == "unsolved" or choice[0] != "value" or choice[1] not in [*CHOICES]:
        return wrong("no_choice")
    return Verdict(True) if choice[1] == "b" else wrong(f"choice_{choice[1]}")


def _line(base: float, slope: float, s: Series, number: int) -> Verdict | None:
    """What is wrong with a line, or None."""
    right_base, right_slope = fit(s.points)
    room = 0.02 * right_base

    def near(b: float, m: float) -> bool:
        return abs(base - b) <= room and abs(slope - m) <= max(0.05 * abs(m), 3e-4 * right_base)

    facts = {"number": number, "base": round(base, 2), "slope": round(slope, 3),
             "right_base": round(right_base, 2), "right_slope": round(right_slope, 3)}  # fmt: skip
    if not base == base or not slope == slope:
        return wrong("not_a_number", **facts)
    if near(right_base, right_slope):
        return None
    first, last = s.points[0], s.points[-1]
    mean = sum(v for _, v in s.points) / len(s.points)
    if abs(base - right_slope) <= room and abs(slope - right_base) <= room:
        return wrong("swapped", **facts)
    if base == 0:
        return wrong("origin", **facts)
    if abs(base - first[1]) <= 1e-9 and abs(slope - (last[1] - first[1])) <= room:
        return wrong("whole_rise", **facts)
    if abs(base - right_base) <= room:
        return wrong("slope", **facts)
    if abs(base - mean) <= room:
        return wrong("mean", **facts)
    return wrong("base", **facts)


def play(series: list[Series]) -> list[Series]:
    """All of them."""
    return series
