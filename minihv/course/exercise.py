"""Exercises: what each asks, and how a judge that trusts nobody decides.

An exercise works in four steps, so that the judge and the learner's code can live in different
processes and only plain data passes between them:

    judge    instance = make(rng)         everything about one seed, with the answers
    judge    asked = ask(instance)        what the learner's side gets to know
    learner  outcomes = put(call, asked)  calls the learner's objects, notes what came back
    judge    judge(outcomes, instance)    -> Verdict
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from minihv.course.texts import has, say
from minihv.errors import MinihvError

VISIBLE = 1  # the seed that learners see first

Plain = Any  # int, str, bool, None, and lists and dicts of these: what JSON can carry


class CourseError(MinihvError):
    """A wrong call of the course's functions: an unknown exercise, term or hint."""


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right; `key` names the sentence to say about it, `values` fill it."""

    ok: bool
    key: str = "passed"
    values: dict[str, Any] = field(default_factory=dict)

    def text(self, exercise: str) -> str:
        """The sentence in the learner's language: the exercise's own, or one common to all."""
        place = exercise if has(exercise, self.key) else "common"
        return say(place, self.key, **self.values)


def wrong(key: str, **values: Any) -> Verdict:
    """A verdict that the answer is wrong, and why."""
    return Verdict(False, key, values)


@dataclass(frozen=True)
class Exercise:
    """One exercise. `names` are the variables of the notebook that hold the answer."""

    id: str
    minutes: int
    difficulty: int  # 1 easy .. 3 hard
    points: int
    names: tuple[str, ...]
    make: Callable[[Random], Any]
    ask: Callable[[Any], Plain]
    put: Callable[[Callable[..., list], Sequence[Any], Plain], list]
    judge: Callable[[list, Any], Verdict]
    play: Callable[[Any], Any] | None = None  # what `instance()` shows of it
    counterpart: Callable[[], Any] | None = None  # the package's own version, for show()
    seconds: float = 10.0  # for the learner's code, all calls together

    @property
    def title(self) -> str:
        """In the learner's language."""
        return say(self.id, "title")

    def instance(self, seed: int) -> Any:
        """The instance that belongs to `seed`, the same on every machine."""
        return self.make(Random(f"minihv {self.id} {seed}"))


def from_module(module: ModuleType, number: str, **facts: Any) -> Exercise:
    """An exercise whose four steps, and what else there is, are functions of `module`."""
    for step in ("make", "ask", "put", "judge"):
        facts[step] = getattr(module, step)
    for extra in ("play", "counterpart"):
        facts[extra] = getattr(module, extra, None)
    return Exercise(number, **facts)


def draw_seed() -> int:
    """A seed that nobody knows before."""
    return secrets.randbelow(1 << 31)


def chapter(number: str) -> tuple[Exercise, ...]:
    """The exercises of chapter `number` ("01"), in order; none where it has none."""
    if number not in all_chapters():
        return ()
    return import_module(f"minihv.chapters.ch{number}.checks").EXERCISES


def all_chapters() -> list[str]:
    """The numbers of the chapters that have exercises, in order."""
    chapters = find_spec("minihv.chapters")
    folders = chapters.submodule_search_locations if chapters else []
    return sorted(path.parent.name[2:] for folder in folders or []
                  for path in Path(folder).glob("ch??/checks"))


def exercise(wanted: str) -> Exercise:
    """The exercise with the id `wanted` ("01.2"); CourseError names those that exist."""
    if isinstance(wanted, str):
        for found in chapter(wanted.partition(".")[0]):
            if found.id == wanted:
                return found
    known = ", ".join(e.id for number in all_chapters() for e in chapter(number))
    raise CourseError(say("common", "unknown_exercise", wanted=wanted, known=known))
