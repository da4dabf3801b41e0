"""What runs beside the learner's code: which names an exercise calls, with what, and how long.

A chapter declares it in chapters/chNN/beside, apart from its checks, because a submission gets
this and nothing that draws cases or knows answers:

    BESIDE = {"05.1": Beside(("shadow_entry",)),
              "05.3": Beside(("count_exits", "because"), each(trace))}

All that this module needs can be imported where no chapter has checks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from minihv.course.answers import Caller, Plain, value

# (call, the learner's objects, what is asked) -> outcomes; `call` makes one outcome of one call.
Put = Callable[[Callable[..., list], Sequence[Any], Plain], list]


def each(given: Callable[..., Sequence[Any]] | None = None) -> Put:
    """Return a `put` that calls the first name once per case; any other name holds data.

    A case comes as a list of plain arguments. `given` makes of them what the learner's function
    gets, for what JSON cannot carry: tuples, objects, functions.
    """

    def put(call: Callable[..., list], answers: Sequence[Any], asked: Plain) -> list:
        outcomes = [call(answers[0], *(given(*case) if given else case)) for case in asked]
        return [*outcomes, *map(value, answers[1:])]

    return put


@dataclass(frozen=True)
class Beside:
    """The learner's side of one exercise; `names` are the notebook's that hold the answer."""

    names: tuple[str, ...]
    put: Put = each()
    seconds: float = 10.0  # for the learner's code, all calls together; see budget.slowness


def beside(number: str) -> Beside:
    """Return the learner's side of exercise `number` ("05.1")."""
    return import_module(f"minihv.chapters.ch{number[:2]}.beside").BESIDE[number]


def outcomes_of(number: str, answers: Sequence[Any], asked: Plain,
                seconds: float | None = None) -> list:  # fmt: skip
    """Return all outcomes of the learner's `answers` to what is `asked`, as JSON carries them;
    the calls may take `seconds` of processor time, by default as many as the exercise says."""
    side = beside(number)
    caller = Caller(side.seconds if seconds is None else seconds)
    return json.loads(json.dumps(side.put(caller, answers, asked)))
