"""The judge's side of a check: from outcomes that nobody trusts to a verdict."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from minihv.course.answers import well_formed
from minihv.course.beside import outcomes_of
from minihv.course.budget import slowness
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.course.texts import has, say


def trouble(outcome: list, **facts: Any) -> Verdict | None:
    """Return what is wrong with an outcome that is no value; `facts` tell in which case.

    An exercise that says more about the case has sentences error_at, odd_at, unsolved_at.
    """
    kind = outcome[0]
    facts = {"asked": f"case {facts.get('number', '?')}"} | facts
    if kind == "value":
        return None
    if kind == "error":
        return wrong("error_at", **facts | {"what": outcome[1], "where": outcome[2] or "?"})
    if kind == "late":
        return wrong("late", seconds=outcome[1])
    if kind == "odd":
        return wrong("odd_at", **facts | {"what": outcome[1]})
    return wrong("unsolved_at", **facts)


def decide(judged: Exercise, outcomes: Any, instance: Any) -> Verdict:
    """Return the verdict on what came back for `instance`."""
    if not well_formed(outcomes):
        return wrong("handback")
    if outcomes[0][0] == "missing" and outcomes[0][1] in judged.names:
        return wrong("missing", name=outcomes[0][1])
    if outcomes[0][0] == "unsolved":
        return wrong("unsolved", name=judged.names[0], id=judged.id)
    verdict = judged.form.judge(outcomes, instance)
    plain = verdict.key.removesuffix("_at")
    said = has(judged.id, verdict.key) or has("common", verdict.key)
    return verdict if said else replace(verdict, key=plain)


@cache
def compile_first() -> None:
    """Compile the machine before any limit runs, if this host has not yet: who is the first to
    need it is not to blame for the time."""
    from minihv.hw.warmup import make_sure

    make_sure(lambda: print(say("common", "compiling"), file=sys.stderr, flush=True))


def try_answer(judged: Exercise, answers: Sequence[Any], seed: int) -> Verdict:
    """Judge `answers` in this process; what `check` does in a cell."""
    compile_first()
    instance = judged.instance(seed)
    asked = json.loads(json.dumps(judged.form.ask(instance)))
    seconds = judged.beside.seconds * slowness()
    return decide(judged, outcomes_of(judged.id, answers, asked, seconds), instance)
