"""No check is luck: a mutant of a right answer that is wrong on one seed is wrong on every seed.

A mutant that passes on all seeds is taken to be equivalent.
"""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from minihv.course.beside import outcomes_of
from minihv.course.exercise import Exercise, all_chapters, chapter, exercise
from minihv.course.verdicts import decide
from tests.answers.mutants import mutants
from tests.answers.variants import source
from tests.tiers import count

ANSWERS = Path(__file__).parents[1] / "answers"
EXERCISES = [one.id for number in all_chapters() for one in chapter(number)]
# One mutant of these takes as long as so many of others.
COST = {"01.1": 10, "02.1": 2, "02.2": 20, "02.3": 10, "04.2": 10, "16.2": 10}
MUTANTS, SEEDS = count(2, 15, 100_000), count(3, 5, 20)  # mutants of each right answer


def changed(number: str) -> list[tuple[str, str]]:
    """Some mutants of the reference and the other right answers, as (what, source)."""
    paths = sorted((ANSWERS / number.replace(".", "_")).glob("right_*.py"))
    answers = {"reference": source(number), **{path.stem: path.read_text() for path in paths}}
    most = MUTANTS // COST.get(number, 1)
    if not most:
        most, answers = 1, {"reference": answers["reference"]}
    return [(f"{name}, {what}", text) for name, right in answers.items()
            for what, text in mutants(right, most)]  # fmt: skip


def passes(one: Exercise, text: str, cases: list[tuple[Any, str]]) -> list[bool]:
    """On which instances an answer passes; none after one on which it runs too long."""
    names: dict[str, Any] = {"__name__": "answer"}
    try:
        exec(compile(text, "<mutant>", "exec"), names)
        answers = [names[name] for name in one.names]
    except Exception:
        return []
    found: list[bool] = []
    for instance, asked in cases:
        verdict = decide(one, outcomes_of(one.id, answers, json.loads(asked)), instance)
        if verdict.key == "late":
            break
        found.append(verdict.ok)
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("number", EXERCISES)
def test_no_mutant_is_lucky(number: str, monkeypatch: pytest.MonkeyPatch):
    one = exercise(number)
    instances = [one.instance(seed) for seed in range(1, SEEDS + 1)]
    cases = [(made, json.dumps(one.form.ask(made))) for made in instances]
    began = time.perf_counter()
    assert all(passes(one, source(number), cases[:1]))
    monkeypatch.setitem(one.beside.__dict__, "seconds", 0.3 + 5 * (time.perf_counter() - began))
    lucky = []
    for what, text in changed(number):
        with warnings.catch_warnings(action="ignore"):  # what mutants look like to a compiler
            found = passes(one, text, cases)
        if len(set(found)) > 1:
            lucky.append(f"passes on {sum(found)} of {len(found)} seeds: {what}")
    assert not lucky, "\n".join(lucky)


def test_a_check_that_is_luck_is_found(monkeypatch: pytest.MonkeyPatch):
    """Planted: on every other seed an exercise has the plainest case only."""
    monkeypatch.setitem(globals(), "MUTANTS", 20)
    one = exercise("06.2")
    make = one.make
    turn = iter(range(1000))
    monkeypatch.setitem(one.__dict__, "make",
                        lambda rng: make(rng)[:1] if next(turn) % 2 else make(rng))
    with pytest.raises(AssertionError, match="passes on"):
        test_no_mutant_is_lucky("06.2", monkeypatch)


def test_the_mutants_of_an_answer_differ_from_it():
    text = "def f(a):\n    if a < 3 and a != 1:\n        return a + 1\n    return {}\n"
    found = dict(mutants(text))
    assert len(found) >= 12 and text not in found.values()
    assert any("a <= 3" in what for what in found) and any("a - 1" in what for what in found)
