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
    def answer(self) -> list:
        """[reason, per cent of the time, times faster without it], rounded to whole numbers."""
        reason = max(self.exits, key=self.spent)
        spent = self.spent(reason)
        times = self.total / (self.total - spent)
        return [reason, round(100 * spent / self.total), round(times, 1)]

    def spent(self, reason: str) -> int:
        """Microseconds in all exits of one kind."""
        return self.exits[reason][0] * self.exits[reason][1]


def make(rng: Random) -> list[Profile]:
    """Profiles in which the most frequent exit is mostly not the one that costs most."""
    return [_profile(rng, k % 4 == 0) for k in range(MANY)]


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


def rounded(got: list) -> list:
    """Return an answer, rounded as asked."""
    return [got[0], round(got[1]), round(got[2], 1)]


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
    if round(got[1]) != share:
        return wrong("share", **facts)
    if round(got[2], 1) == round(one.total / spent, 1):
        return wrong("reciprocal", **facts)
    return wrong("times", **facts)


EXERCISE = Exercise(
    id="04.3", minutes=25, difficulty=2, points=3, make=make,
    form=Cases(
        call=lambda one: [one.total, one.exits],
        right=lambda one: one.answer,
        shape=[str, float, float],
        alike=lambda got, answer: rounded(got) == answer,
        explain=explain,
        choice="b",
    ),
    play=lambda profiles: profiles[0],
)  # fmt: skip
