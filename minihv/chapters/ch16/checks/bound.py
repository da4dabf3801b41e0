"""Exercise 16.4: what bounds a fleet, and how many instances fit.

All times are whole microseconds of a processor, all sizes bytes, so that the answer is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble

WHAT = ("memory", "idle", "requests", "starts")


@dataclass(frozen=True)
class Fleet:
    """A host and what an instance of the fleet costs there.

    free: bytes of the host's memory; shared: bytes that all instances have together; each: bytes
    that each has alone. cores. idle: microseconds of a core that an instance takes in a second for
    nothing; rate: requests in a second to one instance; request: microseconds for one; start:
    microseconds to start an instance; lifetime: seconds until it is replaced by a new one.
    """

    free: int
    shared: int
    each: int
    cores: int
    idle: int
    rate: int
    request: int
    start: int
    lifetime: int


def parts(f: Fleet) -> dict[str, float]:
    """Microseconds of a core that an instance takes in a second, by what they are for."""
    return {"idle": f.idle, "requests": f.rate * f.request, "starts": f.start / f.lifetime}


def limits(f: Fleet) -> tuple[int, int]:
    """How many instances fit by memory, and by processors."""
    by_memory = (f.free - f.shared) // f.each
    second = f.idle * f.lifetime + f.rate * f.request * f.lifetime + f.start
    return by_memory, f.cores * 1_000_000 * f.lifetime // second


def answer(f: Fleet) -> tuple[str, int]:
    """(what bounds it, how many fit)."""
    by_memory, by_time = limits(f)
    if by_memory <= by_time:
        return "memory", by_memory
    found = parts(f)
    return max(found, key=lambda name: found[name]), by_time


def _draw(rng: Random, what: str) -> Fleet:
    """A fleet that is bounded by `what`, clearly."""
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
        clear = clear and (what == "memory" or found[1] > 0.15 * found[2])
        if answer(f)[0] == what and clear and 0.02 < near < 0.98 and answer(f)[1] >= 40:
            return f


def make(rng: Random) -> list[Fleet]:
    """Fleets bounded by each of the four, in no order."""
    fleets = [_draw(rng, what) for what in (*WHAT, *WHAT, "memory")]
    rng.shuffle(fleets)
    return fleets


def ask(fleets: list[Fleet]) -> list:
    """The fleets as dicts."""
    return [asdict(f) for f in fleets]


def put(call: Callable[..., list], answers: Any, asked: Any) -> list:
    """One outcome for each fleet."""
    return [call(answers[0], Fleet(**facts)) for facts in asked]


def judge(outcomes: list, fleets: list[Fleet]) -> Verdict:
    """The first fleet that was judged wrongly."""
    if len(outcomes) != len(fleets):
        return wrong("handback")
    for number, (outcome, f) in enumerate(zip(outcomes, fleets, strict=True), 1):
        what, count = answer(f)
        facts = {"number": number, "fleet": str(f), "what": what, "count": count}
        bad = trouble(outcome)
        if bad is not None:
            return bad if bad.key == "late" else wrong(f"{bad.key}_at", **bad.values, **facts)
        got = outcome[1]
        if type(got) is not list or [type(part) for part in got] != [str, int] \
                or got[0] not in WHAT:  # fmt: skip
            return wrong("shape", got=repr(got)[:60], **facts)
        if got != [what, count]:
            return _explain(got[0], got[1], f, facts)
    return Verdict(True, "passed", {"count": len(fleets)})


def _explain(what: str, count: int, f: Fleet, facts: dict[str, Any]) -> Verdict:
    by_memory, by_time = limits(f)
    second = {name: f.cores * 1_000_000 / value for name, value in parts(f).items() if value}
    facts |= {"got": what, "got_count": count, "by_memory": by_memory, "by_time": by_time}
    if count == f.free // f.each and f.shared >= f.each:
        return wrong("shared", **facts)
    if facts["what"] == "memory" and count == by_memory:
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


def play(fleets: list[Fleet]) -> list[Fleet]:
    """All of them."""
    return fleets
