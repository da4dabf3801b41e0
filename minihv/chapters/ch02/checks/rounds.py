"""Exercise 02.4: take an exit log apart: the round of exits that one system call costs.

A seed makes logs of different kernels: each has its own round, and now and then a round is
disturbed by a page that is filled in, or by a timer interrupt.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.course.answers import value
from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble

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
    middle = [rng.choice(("csr", "csr", "csr", "sbi", "fence")) for _ in range(rng.randrange(3, 9))]
    whole = (START, *middle, "return")
    count, disturbed = rng.randrange(40, 80), 0
    reasons: list[str] = []
    tail = rng.randrange(1, len(whole))
    reasons += whole[-tail:]  # the log begins in the middle of a round
    for _ in range(count):
        this = list(whole)
        if rng.random() < 0.35:
            disturbed += 1
            extra = rng.choice((("fill",), ("fill", "fill"), ("timer", *["csr"] * 5, "return")))
            at = rng.randrange(1, len(whole) + 1)
            this[at:at] = extra
        reasons += this
    reasons += whole[: rng.randrange(1, len(whole))]  # and ends in one
    return Log(tuple(reasons), whole, count, disturbed)


def ask(logs: list[Log]) -> list[list[str]]:
    """The logs."""
    return [list(log.reasons) for log in logs]


def put(call: Any, answers: Any, asked: Any) -> list:
    """One outcome a log, then the choice."""
    return [*(call(answers[0], list(reasons)) for reasons in asked), value(answers[1])]


def judge(outcomes: list, logs: list[Log]) -> Verdict:
    """The first log that was taken apart wrongly, then the choice."""
    if len(outcomes) != len(logs) + 1:
        return wrong("handback")
    for number, (outcome, log) in enumerate(zip(outcomes, logs, strict=False), 1):
        bad = trouble(outcome)
        if bad is not None:
            return bad
        got = outcome[1]
        if (type(got) is not list or len(got) != 3 or type(got[0]) is not list
                or [type(part) for part in got[1:]] != [int, int]
                or any(type(reason) is not str for reason in got[0])):  # fmt: skip
            return wrong("shape", got=repr(got)[:80])
        if got != [list(log.round), log.rounds, log.disturbed]:
            return _explain(got, log, number)
    return _choice(outcomes[-1], logs[0])


def _explain(got: list, log: Log, number: int) -> Verdict:
    facts = {"number": number, "got": ", ".join(got[0]) or "nothing",
             "expected": ", ".join(log.round), "rounds": got[1], "right_rounds": log.rounds,
             "disturbed": got[2], "right_disturbed": log.disturbed}  # fmt: skip
    if got[0] != list(log.round):
        if got[0] == list(log.round[1:]):
            return wrong("without_start", **facts)
        if got[0] == [*log.round, START]:
            return wrong("with_next", **facts)
        if sorted(got[0]) == sorted(log.round):
            return wrong("order", **facts)
        return wrong("round", **facts)
    if got[1] in (log.rounds + 1, log.rounds + 2):
        return wrong("parts", **facts)
    if got[1] == log.rounds - log.disturbed:
        return wrong("only_typical", **facts)
    if got[1] != log.rounds:
        return wrong("rounds", **facts)
    if got[2] == log.rounds - log.disturbed:
        return wrong("undisturbed", **facts)
    return wrong("disturbed", **facts)


def _choice(outcome: list, log: Log) -> Verdict:
    if outcome[0] != "value" or type(outcome[1]) is not str:
        return wrong("no_choice")
    letter = outcome[1].strip().lower()
    if letter not in ("a", "b", "c", "d"):
        return wrong("no_choice")
    if letter != "c":
        return wrong(f"choice_{letter}")
    return Verdict(True, "passed", {"count": MANY, "exits": len(log.round)})


def play(logs: list[Log]) -> Log:
    """The first log."""
    return logs[0]
