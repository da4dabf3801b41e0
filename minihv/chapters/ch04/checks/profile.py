"""Exercise 04.3: which exit makes a guest slow, and how much its end would bring.

A profile says how long a guest ran and what each kind of exit cost. The answer is arithmetic, and
the arithmetic is Amdahl's.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong

REASONS = ("csr", "sbi", "fence", "fill", "mmio", "wait", "fault")
MANY = 8


@dataclass(frozen=True)
class Profile:
    """A run: microseconds in all; by reason how many exits, and microseconds of each."""

    total: int
    exits: dict[str, tuple[int, int]]

    @property
    def exact(self) -> tuple[str, float, float]:
        """(reason, per cent of the time, times faster without it), not rounded."""
        reason = max(self.exits, key=self.spent)
        spent = self.spent(reason)
        return reason, 100 * spent / self.total, self.total / (self.total - spent)

    @property
    def answer(self) -> list:
        """The same, rounded as asked."""
        reason, share, times = self.exact
        return [reason, round(share), round(times, 1)]

    def spent(self, reason: str) -> int:
        """Microseconds in all exits of one kind."""
        return self.exits[reason][0] * self.exits[reason][1]


def make(rng: Random) -> list[Profile]:
    """Profiles in which the most frequent exit is mostly not the one that costs most.

    In the second and third, whoever cuts off instead of rounding is wrong in both numbers.
    """
    made = [_profile(rng, k % 4 == 0) for k in range(MANY)]
    for k in (1, 2):
        while not all(0.55 < part % 1 < 0.95 for part in
                      (made[k].exact[1], 10 * made[k].exact[2])):
            made[k] = _profile(rng, False)
    return made


def _profile(rng: Random, plain: bool) -> Profile:
    names = rng.sample(REASONS, rng.randrange(4, 7))
    exits = {name: (rng.randrange(100, 900), rng.randrange(2, 6)) for name in names}
    dear, frequent, rare = names[:3]
    exits[rare] = rng.randrange(10, 30), rng.randrange(80, 200)
    exits[frequent] = rng.randrange(2_000, 5_000), rng.randrange(2, 5)
    exits[dear] = rng.randrange(900, 1_900), rng.randrange(30, 70)
    if plain:
        exits[dear] = rng.randrange(6_000, 9_000), rng.randrange(6, 9)
    rest = sum(count * each for count, each in exits.values())
    order = sorted(exits)
    return Profile(rest + rng.randrange(20_000, 90_000), {name: exits[name] for name in order})


def alike(got: list, exact: list) -> bool:
    """Tell if an answer is the exact one, rounded as asked or less."""
    return got[0] == exact[0] and near(got[1], exact[1], 0.5) and near(got[2], exact[2], 0.05)


def near(got: float, exact: float, half: float) -> bool:
    """Tell if a number is rounded right; half: of the last digit."""
    return abs(got - exact) <= half + 1e-9


def explain(got: list, one: Profile) -> Verdict:
    """Say what is wrong: the reason, its share, or how much faster the run would be."""
    reason, share, times = one.answer
    count, each = one.exits[reason]
    facts = {"got": got[0], "expected": reason, "count": count, "each": each,
             "share": got[1], "right_share": share, "times": got[2],
             "right_times": times}  # fmt: skip
    if got[0] != reason:
        for k, key in enumerate(("frequent", "dearest")):
            if got[0] == max(one.exits, key=lambda name: one.exits[name][k]):  # noqa: B023
                return wrong(key, **facts)
        return wrong("reason", **facts)
    spent = count * each
    exits = sum(one.spent(name) for name in one.exits)
    if round(got[1]) == round(100 * spent / exits) != share:
        return wrong("of_exits", **facts)
    if round(got[1] * 100) == share:
        return wrong("fraction", **facts)
    if not near(got[1], one.exact[1], 0.5):
        return wrong("share", **facts)
    if round(got[2], 1) == round(one.total / spent, 1):
        return wrong("reciprocal", **facts)
    return wrong("times", **facts)


EXERCISE = Exercise(
    id="04.3", minutes=25, difficulty=2, points=3, make=make,
    form=Cases(
        call=lambda one: [one.total, one.exits],
        right=lambda one: [*one.exact],
        shape=[str, float, float],
        alike=alike,
        explain=explain,
        choice="b",
    ),
    play=lambda profiles: profiles[0],
)  # fmt: skip
