"""Exercise 15.4: who gets how much of a CPU, by weights and quotas, and why.

The learner's function divides a CPU among groups; judged against the model's scheduler on groups
whose shares differ for every likely mistake, and the mistake is named where the shares betray it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.containers.model import Kernel, Process
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong

NEAR = 1e-6


@dataclass(frozen=True)
class Group:
    """A cgroup: its weight, its quota in CPUs (None: none), and how many of its processes want
    the CPU all the time."""

    weight: int
    quota: float | None
    busy: int

    def __str__(self) -> str:
        quota = "no quota" if self.quota is None else f"quota {self.quota:g}"
        return f"weight {self.weight}, {quota}, busy processes: {self.busy}"


@dataclass(frozen=True)
class Rivals:
    """Groups that want one CPU for `seconds`."""

    shape: str
    groups: tuple[Group, ...]
    seconds: float = 1.0

    @property
    def shares(self) -> list[float]:
        """CPU seconds of each group, by the model's scheduler."""
        kernel = Kernel()
        busy: list[Process] = []
        owner = []
        for number, group in enumerate(self.groups):
            for k in range(group.busy):
                process = kernel.init.clone() if not k else busy[-1].clone()
                if not k:
                    quota = float("inf") if group.quota is None else group.quota
                    kernel.limit(process, shares=group.weight, cpus=quota)
                busy.append(process)
                owner.append(number)
        got = [0.0] * len(self.groups)
        for number, seconds in zip(owner, kernel.burn(busy, self.seconds), strict=True):
            got[number] += seconds
        return got

    def __str__(self) -> str:
        return "; ".join(map(str, self.groups))


def make(rng: Random) -> list[Rivals]:
    """From two equal groups to three quotas that run out one after the other.

    Weights, quotas, time and the order of the groups differ from seed to seed, so that shares do.
    """
    w = rng.choice((128, 256, 512))
    hogs = rng.randrange(3, 9)

    def q(low: float, high: float) -> float:
        return rng.randrange(round(100 * low), round(100 * high)) / 100

    def rivals(shape: str, *groups: Group) -> Rivals:
        order = rng.sample(groups, len(groups))
        return Rivals(shape, tuple(order), rng.randrange(5, 40) / 10)

    return [
        rivals("equal", Group(w, None, 1), Group(w, None, 1)),
        rivals("weights", Group(rng.randrange(2, 6) * w, None, 1), Group(w, None, 1)),
        rivals("hogs", Group(w, None, 1), Group(w, None, hogs)),
        rivals("idle", Group(4 * w, None, 0), Group(rng.randrange(2, 6) * w, None, 1),
               Group(w, None, 2)),
        rivals("quota", Group(w, q(0.15, 0.4), 1), Group(w, None, 1)),
        rivals("quota_alone", Group(w, q(0.3, 0.8), 3)),
        rivals("loose", Group(w, q(0.5, 0.95), 1), Group(2 * w, None, 1)),
        rivals("cascade", Group(4 * w, q(0.05, 0.15), 1), Group(2 * w, q(0.35, 0.55), 2),
               Group(w, None, 1)),
        rivals("cascade", Group(w, None, 1), Group(w, q(0.2, 0.38), hogs),
               Group(4 * w, q(0.1, 0.2), 1)),
        rivals("spare", Group(w, q(0.15, 0.25), 1), Group(8 * w, q(0.3, 0.6), hogs)),
        rivals("nobody", Group(w, None, 0), Group(w, q(0.3, 0.8), 0)),
    ]  # fmt: skip


# --- likely mistakes ----------------------------------------------------------------------------


def _fill(one: Rivals, weight: Callable[[Group], float], rounds: int = 99,
          quotas: bool = True, idle_count: bool = False) -> list[float]:
    """Shares by water filling, with something about it changed."""
    got = [0.0] * len(one.groups)
    hungry = [n for n, g in enumerate(one.groups) if g.busy or idle_count]
    for _ in range(rounds):
        left = one.seconds - sum(got)
        total = sum(weight(one.groups[n]) for n in hungry)
        if left < 1e-12 or not total:
            break
        for n in hungry:
            g = one.groups[n]
            room = g.quota * one.seconds - got[n] if quotas and g.quota else left
            got[n] += min(left * weight(g) / total, room)
        hungry = [n for n in hungry if not quotas or not (quota := one.groups[n].quota)
                  or quota * one.seconds - got[n] > 1e-12]
    return [0.0 if idle_count and not g.busy else s
            for g, s in zip(one.groups, got, strict=True)]


def by_process(one: Rivals) -> list[float]:
    """As if each busy process counted with its group's weight."""
    return _fill(one, lambda g: g.weight * g.busy)


def no_quota(one: Rivals) -> list[float]:
    """As if there were no quotas."""
    return _fill(one, lambda g: g.weight, quotas=False)


def once(one: Rivals) -> list[float]:
    """Lose what a quota leaves over."""
    return _fill(one, lambda g: g.weight, rounds=1)


def twice(one: Rivals) -> list[float]:
    """Give away only once what is left over."""
    return _fill(one, lambda g: g.weight, rounds=2)


def idle_too(one: Rivals) -> list[float]:
    """Groups that want nothing keep their share."""
    return _fill(one, lambda g: g.weight, rounds=1, idle_count=True)


def all_equal(one: Rivals) -> list[float]:
    """Weights do not count."""
    return _fill(one, lambda g: 1.0)


MISTAKES = {"by_process": by_process, "no_quota": no_quota, "once": once, "twice": twice,
            "idle_too": idle_too, "all_equal": all_equal}


# --- the judge ----------------------------------------------------------------------------------


def alike(got: list[float], right: list[float]) -> bool:
    """Tell if two divisions are the same but for rounding."""
    return all(abs(a - b) < NEAR for a, b in zip(got, right, strict=True))


def call(one: Rivals) -> list[Any]:
    """Return what split gets: the groups and the time."""
    groups = [{"weight": g.weight, "quota": g.quota, "busy": g.busy} for g in one.groups]
    return [groups, one.seconds]


def explain(got: list[float], one: Rivals) -> Verdict:
    """Say how the shares differ."""
    return wrong("shares", total=f"{sum(got):.3g}", got=_shown(got), expected=_shown(one.shares))


def _shown(shares: list[float]) -> str:
    return ", ".join(f"{s:.3f}" for s in shares)


EXERCISE = Exercise(
    id="15.4", minutes=30, difficulty=2, points=4, make=make,
    form=Cases(
        call=call,
        right=lambda one: one.shares,
        shape=lambda one: [float] * len(one.groups),
        alike=alike,
        mistakes=MISTAKES,
        facts=lambda one: {"groups": str(one), "count": len(one.groups), "seconds": one.seconds},
        explain=explain,
        choice="b",
    ),
)  # fmt: skip
