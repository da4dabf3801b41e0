"""The judge's side of a check: from outcomes that nobody trusts to a verdict."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from minihv.course.answers import put, well_formed
from minihv.course.exercise import Exercise, Verdict, wrong


def trouble(outcome: list) -> Verdict | None:
    """What is wrong with an outcome that is no value, in words that suit any exercise."""
    kind = outcome[0]
    if kind == "value":
        return None
    if kind == "error":
        return wrong("error", what=outcome[1], where=outcome[2] or "?")
    if kind == "late":
        return wrong("late", seconds=outcome[1])
    if kind == "odd":
        return wrong("odd", what=outcome[1])
    return wrong("unsolved", name="?", id="?")


def decide(judged: Exercise, outcomes: Any, instance: Any) -> Verdict:
    """The verdict on what came back for `instance`."""
    if not well_formed(outcomes):
        return wrong("handback")
    if outcomes[0][0] == "missing":
        return wrong("missing", name=outcomes[0][1])
    if outcomes[0][0] == "unsolved":
        return wrong("unsolved", name=judged.names[0], id=judged.id)
    return judged.judge(outcomes, instance)


def try_answer(judged: Exercise, answers: Sequence[Any], seed: int) -> Verdict:
    """Judge `answers` in this process; what `check` does in a cell."""
    instance = judged.instance(seed)
    asked = json.loads(json.dumps(judged.ask(instance)))
    return decide(judged, put(judged, answers, asked), instance)
