"""Declared exercises: some cases, a call for each, the right answer, and what wrong ones betray.

    form=Cases(
        call=lambda case: [case.pte, case.level],     # the learner's function gets these
        right=lambda case: case.entry,
        shape=int,                                    # see minihv.course.shapes
        mistakes={"level_0": lambda case: ...},       # what a known mistake answers
        explain=explain,                              # (got, case) -> wrong(KEY, ...)
    )

The first case that is wrong decides. If one known mistake gives all the answers, its key is the
verdict; otherwise `explain` says what is wrong with this one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any

from minihv.course.answers import Plain
from minihv.course.exercise import Verdict, wrong
from minihv.course.shapes import misfit
from minihv.course.texts import say
from minihv.course.verdicts import trouble

LETTERS = ("a", "b", "c", "d")
SHOWN = 80  # characters of an answer of the wrong shape
NO_ANSWER = ("late", "error_at", "odd_at", "unsolved_at", "shape")
FAILED = object()  # stands for the answer of a call that gave none


@dataclass(frozen=True, kw_only=True)
class Cases:
    """The form of an exercise with one call per case, and perhaps a choice of a to d at the end.

    shape: what an answer looks like, or a function of the case that returns it.
    facts: what sentences about a case may name, besides its `number` from 1.
    alike: compares an answer with a right or mistaken one.
    order: if given, all wrong cases are explained, and the verdict whose key is first here counts;
        before them all what is no answer.
    choice: the right letter; the verdicts on the others are no_choice, choice_a, ...
    passed: what the word of praise may name.
    of: the cases of an instance that is more than their list.
    world: what all calls share; then a dict of it and "calls" is asked, for a `put` of its own.
    """

    right: Callable[[Any], Any]
    shape: Any
    explain: Callable[[Any, Any], Verdict]
    call: Callable[[Any], Sequence[Plain]] = lambda case: [case]
    facts: Callable[[Any], dict[str, Any]] = lambda case: {}
    alike: Callable[[Any, Any], bool] = operator.eq
    mistakes: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    order: Sequence[str] = ()
    choice: str = ""
    passed: Callable[[Any], dict[str, Any]] = lambda cases: {"count": len(cases)}
    of: Callable[[Any], Sequence[Any]] = lambda instance: instance
    world: Callable[[Any], dict[str, Plain]] | None = None

    def ask(self, instance: Any) -> Plain:
        """Return the arguments of each call, with the world around them if there is one."""
        calls = [list(self.call(case)) for case in self.of(instance)]
        return {**self.world(instance), "calls": calls} if self.world else calls

    def judge(self, outcomes: list, instance: Any) -> Verdict:
        """Return the verdict on one outcome per case, and one on the choice."""
        cases = self.of(instance)
        if len(outcomes) != len(cases) + bool(self.choice):
            return wrong("handback")
        rows = [*zip(range(1, len(cases) + 1), outcomes, cases, strict=False)]
        found = [*filter(None, (self._unreadable(*row) or self._differs(*row) for row in rows))]
        if found:
            found.sort(key=lambda verdict: self._rank(verdict.key))
            return replace(found[0], key=self._mistake(outcomes, cases) or found[0].key)
        facts = self.passed(cases)
        if self.choice:
            return choose(outcomes[-1], self.choice, facts)
        return Verdict(True, "passed", facts)

    def _rank(self, key: str) -> int:
        return [*NO_ANSWER, *self.order, key].index(key) if self.order else 0

    def _unreadable(self, number: int, outcome: list, case: Any) -> Verdict | None:
        """Return why an outcome is no answer, or None."""
        facts = {"number": number} | self.facts(case)
        why = misfit(self._shape(case), outcome[1]) if outcome[0] == "value" else ""
        if why:
            got = repr(outcome[1])[:SHOWN] if outcome[1] is not None else say("common", "no_return")
            return wrong("shape", **facts | {"got": got, "why": why})
        return trouble(outcome, **facts)

    def _differs(self, number: int, outcome: list, case: Any) -> Verdict | None:
        """Return why an answer is wrong, or None."""
        if self.alike(outcome[1], self.right(case)):
            return None
        verdict = self.explain(outcome[1], case)
        return replace(verdict, values={"number": number} | self.facts(case) | verdict.values)

    def _mistake(self, outcomes: list, cases: Sequence[Any]) -> str:
        """Return the key of the first mistake that gives all these answers, or ""."""
        pairs = [(outcome[1] if _fits(outcome, self._shape(case)) else FAILED, case)
                 for outcome, case in zip(outcomes, cases, strict=False)]  # fmt: skip
        for key, mistake in self.mistakes.items():
            if all(self._same(got, mistake(case)) for got, case in pairs):
                return key
        return ""

    def _shape(self, case: Any) -> Any:
        return self.shape(case) if isinstance(self.shape, FunctionType) else self.shape

    def _same(self, got: Any, expected: Any) -> bool:
        if got is FAILED or expected is FAILED:
            return got is expected
        return self.alike(got, expected)


def _fits(outcome: list, shape: Any) -> bool:
    return outcome[0] == "value" and not misfit(shape, outcome[1])


def choose(outcome: list, right: str, facts: Mapping[str, Any]) -> Verdict:
    """Return the verdict on a choice from a to d."""
    said = outcome[1].strip().lower() if _fits(outcome, str) else ""
    if said not in LETTERS:
        return wrong("no_choice", **facts)
    ok = said == right
    return Verdict(ok, "passed" if ok else f"choice_{said}", dict(facts))
