"""Exercise 02.4: take an exit log apart: the round of exits that one system call costs.

A seed makes logs of different kernels: each has its own round, and now and then a round is
disturbed by a page that is filled in or by a timer interrupt, or cut short because its kernel has
the answer at hand. So the typical round is neither the shortest nor the longest.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.course.shapes import Each

START = "syscall"
MANY = 5


@dataclass(frozen=True)
class Log:
    """The reasons of a run's exits, in order; the answer is (round, rounds, disturbed)."""

    reasons: tuple[str, ...]
    round: tuple[str, ...]
    rounds: int
    disturbed: int

    def __repr__(self) -> str:
        return f"{len(self.reasons)} exits: {', '.join(self.reasons[:16])}, ..."


def make(rng: Random) -> list[Log]:
    """Logs of several kernels."""
    return [_log(rng) for _ in range(MANY)]


def _log(rng: Random) -> Log:
    """Return a log whose first and last whole round are disturbed, one cut short, one longer."""
    middle = [rng.choice(("csr", "csr", "csr", "sbi", "fence")) for _ in range(rng.randrange(3, 9))]
    whole = (START, *middle, "return")
    count, disturbed = rng.randrange(40, 80), 0
    reasons: list[str] = []
    tail = rng.randrange(1, len(whole))
    reasons += whole[-tail:]  # the log begins in the middle of a round
    sure = dict(zip((0, count - 1), rng.sample(("cut", "more"), 2), strict=True))
    for number in range(count):
        this = list(whole)
        how = sure.get(number) or rng.choice(("cut", "more", "more", *[""] * 6))
        disturbed += bool(how)
        if how == "cut":
            this[1:-1] = whole[1 : rng.randrange(1, len(whole) - 1)]
        elif how:
            extra = rng.choice((("fill",), ("fill", "fill"), ("timer", *["csr"] * 5, "return")))
            at = rng.randrange(1, len(whole) + 1)
            this[at:at] = extra
        reasons += this
    reasons += whole[: rng.randrange(1, len(whole))]  # and ends in one
    return Log(tuple(reasons), whole, count, disturbed)


def explain(got: list, log: Log) -> Verdict:
    """Say what is wrong: the round, how many there are, or how many are disturbed."""
    facts = {"got": ", ".join(got[0]) or "nothing",
             "expected": ", ".join(log.round), "rounds": got[1], "right_rounds": log.rounds,
             "disturbed": got[2], "right_disturbed": log.disturbed}  # fmt: skip
    if got[0] != list(log.round):
        if got[0] == list(log.round[1:]):
            return wrong("without_start", **facts)
        if got[0] == [*log.round, START]:
            return wrong("with_next", **facts)
        if sorted(got[0]) == sorted(log.round):
            return wrong("order", **facts)
        whole = [part.split() for part in " ".join(log.reasons).split(START)[1:-1]]
        shortest = [START, *min(whole, key=len)]
        return wrong("shortest" if got[0] == shortest else "round", **facts)
    if got[1] in (log.rounds + 1, log.rounds + 2):
        return wrong("parts", **facts)
    if got[1] == log.rounds - log.disturbed:
        return wrong("only_typical", **facts)
    if got[1] != log.rounds:
        return wrong("rounds", **facts)
    if got[2] == log.rounds - log.disturbed:
        return wrong("undisturbed", **facts)
    return wrong("disturbed", **facts)


EXERCISE = Exercise(
    id="02.4", minutes=25, difficulty=2, points=3, make=make,
    form=Cases(
        call=lambda log: [[*log.reasons]],
        right=lambda log: [[*log.round], log.rounds, log.disturbed],
        shape=[Each(str), int, int],
        explain=explain,
        choice="c",
        passed=lambda logs: {"count": len(logs), "exits": len(logs[0].round)},
    ),
    play=lambda logs: logs[0],
)  # fmt: skip
