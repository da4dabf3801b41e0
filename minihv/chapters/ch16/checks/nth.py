"""Exercise 16.5: the n-th start that is not flat: measure it, fit a line, say why."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong


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
        values = [base + slope * n + rng.uniform(-noise, noise) for n in range(1, count + 1)]
        values[0], values[-1] = base + slope + noise, base + slope * count - noise
        points = tuple((n, round(value, 2)) for n, value in enumerate(values, 1))
        found.append(Series(points, base, slope))
    return found


def fit(points: Any) -> list[float]:
    """Return [base, slope] by least squares."""
    count = len(points)
    mean_n = sum(n for n, _ in points) / count
    mean = sum(value for _, value in points) / count
    slope = sum((n - mean_n) * (value - mean) for n, value in points)
    slope /= sum((n - mean_n) ** 2 for n, _ in points)
    return [mean - slope * mean_n, slope]


def near(got: list[float], right: list[float]) -> bool:
    """Tell if a line is the right one, but for rounding to six digits or so.

    Least squares have one solution, so nothing else needs room.
    """
    (base, slope), (right_base, right_slope) = got, right
    room = 1e-5 * right_base
    return abs(base - right_base) <= room and abs(slope - right_slope) <= room / 100


def explain(got: list[float], s: Series) -> Verdict:
    """Say what the line is instead."""
    (base, slope), (right_base, right_slope) = got, fit(s.points)
    room = 0.02 * right_base
    facts = {"base": round(base, 2), "slope": round(slope, 3),
             "right_base": round(right_base, 2), "right_slope": round(right_slope, 3)}  # fmt: skip
    first, last = s.points[0], s.points[-1]
    mean = sum(v for _, v in s.points) / len(s.points)
    if abs(base - right_slope) <= room and abs(slope - right_base) <= room:
        return wrong("swapped", **facts)
    steep = (last[1] - first[1]) / (last[0] - first[0])
    if abs(slope - steep) <= 1e-9 * right_base:
        return wrong("end_points", **facts)
    if base == 0:
        return wrong("origin", **facts)
    if abs(base - first[1]) <= 1e-9 and abs(slope - (last[1] - first[1])) <= room:
        return wrong("whole_rise", **facts)
    if abs(base - right_base) <= room:
        return wrong("slope", **facts)
    return wrong("mean" if abs(base - mean) <= room else "base", **facts)


EXERCISE = Exercise(
    id="16.5", minutes=25, difficulty=2, points=4, make=make,
    form=Cases(
        call=lambda series: [series.points],
        right=lambda series: fit(series.points),
        shape=[float, float],
        alike=near,
        explain=explain,
        choice="b",
    ),
)  # fmt: skip
