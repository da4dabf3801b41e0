"""What comes back from a submission may be anything: no judge of any exercise is upset by it."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest

from minihv.course.answers import well_formed
from minihv.course.beside import outcomes_of
from minihv.course.exercise import all_chapters, chapter, exercise
from minihv.course.verdicts import decide
from tests.answers.variants import source
from tests.tiers import count

EXERCISES = [one.id for number in all_chapters() for one in chapter(number)]
ODD: list[Any] = [None, True, -1, 0, 1 << 127, 1.5, float("nan"), float("inf"), "", "x", "\ud800",
                  [], [[]], {}, {"": None}, [None] * 50, "9" * 5000, [1, "x"], {"pa": [1]}]


def spoil(value: Any, rng: Random) -> Any:
    """A copy with one part replaced, left out or doubled."""
    if type(value) in (list, dict) and value and rng.random() < 0.85:
        new = copy.copy(value)
        key = rng.randrange(len(new)) if type(new) is list else rng.choice(sorted(new))
        how = rng.random()
        if how < 0.7:
            new[key] = spoil(new[key], rng)
        elif how < 0.85:
            del new[key]
        elif type(new) is list:
            new.insert(key, copy.copy(rng.choice(new)))
        return new
    return copy.deepcopy(rng.choice(ODD))


@pytest.mark.parametrize("number", EXERCISES)
def test_no_reply_upsets_a_judge(number: str) -> None:
    one = exercise(number)
    instance = one.instance(7)
    names: dict[str, Any] = {}
    exec(compile(source(number), number, "exec"), names)
    right = outcomes_of(number, [names[name] for name in one.names], one.form.ask(instance), 60.0)
    assert decide(one, right, instance).ok
    rng = Random(number)
    for _ in range(count(100, 1000, 10_000)):
        spoiled = right
        for _ in range(rng.randrange(1, 4)):
            spoiled = spoil(spoiled, rng)
        verdict = decide(one, spoiled, instance)
        assert verdict.text(number)
        assert well_formed(spoiled) or not verdict.ok
