"""Exercises: what each asks, and how a judge that trusts nobody decides.

An exercise works in four steps, so that the judge and the learner's code can be in different
processes and only plain data passes between them:

    judge    instance = make(rng)         everything about one seed, with the answers
    judge    asked = ask(instance)        what the learner's side gets to know
    learner  outcomes = put(call, asked)  calls the learner's objects, notes what came back
    judge    judge(outcomes, instance)    -> Verdict

`make` is the exercise's own. `ask` and `judge` are its form: Cases, which most exercises fill
in, or Steps. `put` is declared where it runs: see `minihv.course.beside`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from random import Random
from typing import Any, Protocol

from minihv.course.answers import Plain
from minihv.course.beside import Beside, beside
from minihv.course.texts import has, say
from minihv.errors import MinihvError

VISIBLE = 1  # the seed that learners see first


class JudgedOutside(MinihvError):
    """A cell of a notebook under judgement asked for what is only outside of it."""


def judged_outside() -> bool:
    """Tell if this is where `minihv check` runs a notebook's cells."""
    return "MINIHV_JUDGED" in os.environ


class CourseError(MinihvError):
    """A wrong call of the course's functions: an unknown exercise, term or hint."""


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right; `key` names the sentence to say about it, `values` fill it."""

    ok: bool
    key: str = "passed"
    values: dict[str, Any] = field(default_factory=dict)

    def text(self, exercise: str) -> str:
        """Return the sentence in the learner's language: the exercise's own, or one for all."""
        place = exercise if has(exercise, self.key) else "common"
        return say(place, self.key, **self.values)


def wrong(key: str, **values: Any) -> Verdict:
    """Return a verdict that the answer is wrong, and why."""
    return Verdict(False, key, values)


class Form(Protocol):
    """How an exercise asks and judges."""

    def ask(self, instance: Any) -> Plain:
        """Return what the learner's side gets to know of an instance."""

    def judge(self, outcomes: list, instance: Any) -> Verdict:
        """Return the verdict on well-formed outcomes."""


@dataclass(frozen=True)
class Steps:
    """The form of an exercise that fits no other: its own two functions."""

    ask: Callable[[Any], Plain]
    judge: Callable[[list, Any], Verdict]


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One exercise; `play` is what instance() shows, `counterpart` the package's own for show()."""

    id: str
    minutes: int
    difficulty: int  # 1 easy .. 3 hard
    points: int
    make: Callable[[Random], Any]
    form: Form
    play: Callable[[Any], Any] = lambda instance: instance
    counterpart: Callable[[], Any] | None = None

    @property
    def title(self) -> str:
        """In the learner's language."""
        return say(self.id, "title")

    @property
    def beside(self) -> Beside:
        """The learner's side."""
        return beside(self.id)

    @property
    def names(self) -> tuple[str, ...]:
        """The notebook's names that hold the answer."""
        return self.beside.names

    def instance(self, seed: int) -> Any:
        """Return the instance that belongs to `seed`, the same on every machine."""
        return self.make(Random(f"minihv {self.id} {seed}"))


def draw_seed() -> int:
    """Return a seed that nobody knows before."""
    return secrets.randbelow(1 << 31)


@cache
def chapter(number: str) -> tuple[Exercise, ...]:
    """Return the exercises of chapter `number` ("01"), in order: the EXERCISE of each check."""
    if number not in all_chapters():
        return ()
    checks = import_module(f"minihv.chapters.ch{number}.checks")
    modules = [import_module(f"{checks.__name__}.{found.name}")
               for found in iter_modules(checks.__path__)]
    found = [module.EXERCISE for module in modules if hasattr(module, "EXERCISE")]
    return tuple(sorted(found, key=lambda one: one.id))


def all_chapters() -> list[str]:
    """Return the numbers of the chapters that have exercises, in order."""
    chapters = find_spec("minihv.chapters")
    folders = chapters.submodule_search_locations if chapters else []
    return sorted(path.parent.name[2:] for folder in folders or []
                  for path in Path(folder).glob("ch??/checks"))


def exercise(wanted: str) -> Exercise:
    """Return the exercise with the id `wanted` ("01.2"); CourseError names those that exist."""
    if isinstance(wanted, str):
        for found in chapter(wanted.partition(".")[0]):
            if found.id == wanted:
                return found
    if judged_outside():
        raise JudgedOutside(say("judge", "needs_cases", id=wanted))
    known = ", ".join(e.id for number in all_chapters() for e in chapter(number))
    raise CourseError(say("common", "unknown_exercise", wanted=wanted, known=known))
