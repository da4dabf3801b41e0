"""Answers of every published hostile class, made for every exercise; none of them passes.

Overfitted to the case that one sees, evasion, redirection, injection; and objects that lie about
themselves.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minihv.course.books.generate import ROOT
from minihv.course.exercise import VISIBLE, Exercise, Verdict, all_chapters, chapter, exercise
from minihv.course.judging.judge import check_notebook
from minihv.course.judging.session import Limits
from tests.answers.variants import variant
from tests.course.test_check_of_checks import judged
from tests.tiers import count

EXERCISES = [one.id for number in all_chapters() for one in chapter(number)]
OTHERS = count((2,), (2, 3, 4), range(2, 40))
Answer = Callable[..., Any]


def answers(number: str, *functions: Answer) -> list[Any]:
    """An answer to an exercise: these functions, the last for all that are left, and its choice."""
    right = [*variant(number).values()]
    given = iter(functions)
    last: Any = None
    found = []
    for one in right:
        if callable(one):
            last = next(given, last)
        found.append(last if callable(one) else one)
    return found


def tried(number: str, given: list[Any], seed: int = 2) -> Verdict:
    verdict = judged(number, given, seed)  # try_answer, on instances that are kept
    assert verdict.text(number)
    return verdict


# --- overfitted ---------------------------------------------------------------------------------


class Learnt:
    """Notes what a right answer returns, and what it leaves in a CPU; later says the same again."""

    def __init__(self, right: Answer):
        self.right, self.noted, self.turn = right, [], -1  # type: ignore[var-annotated]

    def __call__(self, *arguments: Any) -> Any:
        cpu = arguments[0] if hasattr(arguments[0], "csr") else None
        if self.turn < 0:
            result = self.right(*arguments)
            self.noted.append(cpu.state() if cpu else result)
            return result
        result = self.noted[self.turn % len(self.noted)]
        self.turn += 1
        if cpu is None:
            return result
        cpu.x, cpu.pc, cpu.mode = list(result["x"]), result["pc"], result["mode"]
        cpu.csr.update(result["csr"])
        return None


# A handler that knows the first program's period is in tests/answers; a clone knows no seed.
GENERAL = {"01.1", "15.2", "16.2"}


@pytest.mark.parametrize("number", [n for n in EXERCISES if n not in GENERAL])
def test_what_was_learnt_by_heart_from_the_visible_case_fails(number: str):
    learnt = [Learnt(one) for one in variant(number).values() if callable(one)]
    assert tried(number, answers(number, *learnt), VISIBLE).ok
    for seed in (VISIBLE, *OTHERS):
        for one in learnt:
            one.turn = 0
        assert tried(number, answers(number, *learnt), seed).ok == (seed == VISIBLE)


def test_a_root_for_the_layers_of_the_visible_case_fails():
    seen = exercise("15.2").instance(VISIBLE)
    right = variant("15.2")["build_root"]
    turn = iter(range(1000))

    def learnt(sys: Any, layers: list[str]) -> None:
        right(sys, list(seen[next(turn) % len(seen)].layers))

    assert tried("15.2", [learnt], VISIBLE).ok
    assert not tried("15.2", [learnt]).ok


# --- evasion ------------------------------------------------------------------------------------


def leaves(*_: Any) -> Any:
    sys.exit(0)


def interrupts(*_: Any) -> Any:
    raise GeneratorExit


def catches_everything(*_: Any) -> Any:
    try:
        return _[999]
    except BaseException:
        return True


def endless(*_: Any) -> Any:
    while True:
        yield True


def returns_itself(*_: Any) -> Any:
    return returns_itself


def cannot_be_told(*_: Any) -> None:
    raise type("Deaf", (Exception,), {"__str__": leaves, "__repr__": leaves})


EVASIONS = [leaves, interrupts, catches_everything, endless, returns_itself, cannot_be_told]


@pytest.mark.parametrize("number", EXERCISES)
@pytest.mark.parametrize("evades", EVASIONS)
def test_whoever_evades_the_question_fails(number: str, evades: Answer):
    assert not tried(number, answers(number, evades)).ok


# --- lies ---------------------------------------------------------------------------------------


def _yes(*_: Any) -> Any:
    return True


def _zero(*_: Any) -> Any:
    return 0


LIES = dict.fromkeys(("__eq__", "__lt__", "__le__", "__gt__", "__ge__", "__bool__", "__contains__"),
                     _yes) | dict.fromkeys(
    ("__sub__", "__rsub__", "__abs__", "__xor__", "__and__", "__rand__", "__mod__"), _zero) | {
    "__ne__": lambda *_: False, "__hash__": lambda *_: 0, "__getitem__": lambda self, _: self,
    "__str__": lambda _: "right", "__repr__": lambda _: "right"}  # fmt: skip


def liar(kind: type, *of: Any) -> Any:
    """An object of this kind that claims to be equal to, less than and no other than anything."""
    return type("Liar", (kind,), LIES)(*of)


def pretender() -> Any:
    """One that claims to be an int, too."""
    return type("Pretender", (), LIES | {"__class__": int})()


LIARS = [liar(object), pretender(), liar(int, 1), liar(float, 0.5), liar(str, "pa"),
         liar(list, [1, 2]), liar(tuple, (liar(int, 1), liar(int, 2))), liar(dict, {}),
         (liar(str, "pa"), liar(int, 1)), [liar(float, 1.0)] * 2]  # fmt: skip


@pytest.mark.parametrize("number", EXERCISES)
def test_an_object_that_lies_convinces_nobody(number: str):
    for lie in LIARS:
        def lies(*_: Any, lie: Any = lie) -> Any:
            return lie

        given = answers(number, lies)
        assert not tried(number, given).ok, type(lie)
        # And as a choice: it equals every letter.
        if not callable([*variant(number).values()][-1]):
            assert not tried(number, [*variant(number).values()][:-1] + [lie]).ok


def test_a_cpu_full_of_lies_convinces_nobody():
    """Exercise 02.1 is judged by what is left in an object."""
    for lie in LIARS:
        def emulate(cpu: Any, word: int, lie: Any = lie) -> None:
            cpu.x = [lie] * 32
            cpu.pc = cpu.mode = lie

        assert not tried("02.1", [emulate]).ok


# --- redirection and injection ------------------------------------------------------------------

# In one process everything can be replaced, so these are judged as `minihv check` does it.
PATCH = """
import builtins, json, sys
import minihv.course
from minihv.course import answers, beside, budget, checking, exercise, state, verdicts
from minihv.course.exercise import Verdict

right = Verdict(True, "passed", {{}})
minihv.course.check = check = lambda *a, **k: print("right")
verdicts.decide = verdicts.try_answer = checking.try_answer = lambda *a, **k: right
exercise.wrong = verdicts.wrong = verdicts.trouble = lambda *a, **k: right
Verdict.ok = True
answers.Caller.__call__ = lambda *a: ["value", True]
answers.well_formed = verdicts.well_formed = lambda outcomes: True
for one in exercise.chapter("{chapter}"):
    for name in ("ask", "judge"):
        object.__setattr__(one.form, name, lambda *a: right)
json.dumps = lambda *a, **k: '[["value", true]]'
builtins.all = lambda *a: True
"""
REDIRECT = """
from minihv.course.exercise import exercise

seen = exercise("{number}").instance({visible})


def answer(*arguments, seen=seen):
    form = exercise("{number}").form
    return form.right(form.of(seen)[0])


"""


def notebook(path: Path, number: str, cells: list[str]) -> Path:
    sources = [{"cell_type": "code", "metadata": {}, "source": text.splitlines(True), "outputs": [],
                "execution_count": None} for text in cells]  # fmt: skip
    path.write_text(json.dumps({"cells": sources, "metadata": {}, "nbformat": 4,
                                "nbformat_minor": 5}), encoding="utf-8")  # fmt: skip
    return path


def attack(one: Exercise) -> list[str]:
    """Cells that define all of an exercise's names as one that asks the course itself."""
    names = "\n".join(f"{name} = answer" for name in one.names)
    call = f'check("{one.id}", {", ".join(one.names)})'
    return [REDIRECT.format(number=one.id, visible=VISIBLE) + names, call]


@pytest.mark.parametrize("first", ["", PATCH], ids=["redirection", "injection"])
@pytest.mark.parametrize("number", count(["01"], all_chapters(), all_chapters()))
def test_calling_or_patching_the_course_gains_nothing(
        number: str, first: str, tmp_path: Path, state_file: Path):
    (name,) = [path.name for path in (ROOT / "exercises").glob(f"{number}_*.ipynb")]
    cells = ["from minihv.course import check", first.format(chapter=number)]
    for one in chapter(number):
        cells += attack(one)
    report = check_notebook(notebook(tmp_path / name, number, cells), 5, Limits(5.0))
    assert not report.ok
    assert [row.points for row in report.rows] == [0] * len(chapter(number))
