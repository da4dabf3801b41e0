"""Exercise 16.4: what bounds a fleet, and how many instances fit.

All times are whole microseconds of a processor, all sizes bytes, so that the answer is exact.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from random import Random
from typing import Any

from minihv.chapters.ch16.beside.host import Fleet
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong

WHAT = ("memory", "idle", "requests", "starts")


def parts(f: Fleet) -> dict[str, float]:
    """Microseconds of a core that an instance takes in a second, by what they are for."""
    return {"idle": f.idle, "requests": f.rate * f.request, "starts": f.start / f.lifetime}


def limits(f: Fleet) -> tuple[int, int]:
    """Return how many instances fit by memory, and by processors."""
    by_memory = (f.free - f.shared) // f.each
    second = f.idle * f.lifetime + f.rate * f.request * f.lifetime + f.start
    return by_memory, f.cores * 1_000_000 * f.lifetime // second


def answer(f: Fleet) -> list:
    """Return [what bounds it, how many fit]."""
    by_memory, by_time = limits(f)
    if by_memory <= by_time:
        return ["memory", by_memory]
    found = parts(f)
    return [max(found, key=lambda name: found[name]), by_time]


def _draw(rng: Random, what: str, close: bool = False) -> Fleet:
    """Return a fleet that is bounded by `what`, clearly; close: by less than a factor of two."""
    while True:
        f = Fleet(rng.randint(2, 64) << 30, rng.randint(1, 900) << 20,
                  int(10 ** rng.uniform(5, 8.3)), rng.randint(1, 64),
                  rng.choice([0, 50, 900, 20_000]), rng.choice([0, 1, 8, 60]),
                  int(10 ** rng.uniform(1, 4)),
                  int(10 ** rng.uniform(3, 6.5)), rng.choice([1, 10, 60, 3600]))  # fmt: skip
        if f.idle + f.rate * f.request == 0:
            continue
        by_memory, by_time = limits(f)
        found = sorted(parts(f).values())
        near = f.cores * 1e6 / sum(found) % 1
        clear = not 0.7 < by_memory / max(by_time, 1) < 1.4 and found[2] > 1.3 * found[1]
        clear = clear and (not close or by_time < 2 * by_memory and by_memory < 2 * by_time)
        clear = clear and (what == "memory" or found[1] > 0.15 * found[2])
        if answer(f)[0] == what and clear and 0.02 < near < 0.98 and answer(f)[1] >= 40:
            return f


def make(rng: Random) -> list[Fleet]:
    """Fleets bounded by each of the four, in no order."""
    fleets = [_draw(rng, what) for what in (*WHAT, *WHAT)]
    exact = _draw(rng, "memory")  # the last instance takes the last byte
    fleets += [replace(exact, free=exact.shared + exact.each * limits(exact)[0]),
               *(_draw(rng, what, close=True) for what in ("memory", "requests"))]  # fmt: skip
    rng.shuffle(fleets)
    return fleets


def explain(got: list, f: Fleet) -> Verdict:
    """Say which step of the sum is wrong, or what was left out."""
    what, count = got
    by_memory, by_time = limits(f)
    second = {name: f.cores * 1_000_000 / value for name, value in parts(f).items() if value}
    facts = {"got": what, "got_count": count, "by_memory": by_memory, "by_time": by_time}
    if count == f.free // f.each and f.shared >= f.each:
        return wrong("shared", **facts)
    if answer(f)[0] == "memory" and count == by_memory:
        return wrong("why_memory", **facts)
    if count == by_time < by_memory:
        return wrong("why_time", **facts)
    if count == max(by_memory, by_time):
        return wrong("larger", **facts)
    if count == by_time * f.cores or (f.cores > 1 and count == by_time // f.cores):
        return wrong("cores", **facts)
    if count in (by_time + 1, by_memory + 1):
        return wrong("rounded", **facts)
    if any(abs(count - value) <= 1 for value in second.values()):
        return wrong("one_part", **facts)
    return wrong("count", **facts)


def facts(f: Fleet) -> dict[str, Any]:
    """Return what sentences say about a fleet."""
    what, count = answer(f)
    return {"fleet": str(f), "what": what, "count": count}


EXERCISE = Exercise(
    id="16.4", minutes=20, difficulty=1, points=3, make=make,
    form=Cases(
        call=lambda fleet: [asdict(fleet)],
        right=answer,
        shape=[WHAT, int],
        facts=facts,
        explain=explain,
    ),
)  # fmt: skip
