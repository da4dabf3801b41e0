"""What a learner's function gets does not say which fault was planted in it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from minihv.course.beside import beside
from minihv.course.exercise import exercise
from minihv.course.sealed import Sealed, opened

SECRETIVE = ["02.2", "02.3", "04.2", "16.3"]


def words(thing: Any, deep: int = 6) -> Iterator[str]:
    """All that can be read from an object by its attributes, closure and contents: texts, and names
    of functions and classes. What a module holds is nobody's secret."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, type) or callable(thing) and hasattr(thing, "__qualname__"):
        yield thing.__qualname__
    if deep and not isinstance(thing, (str, type, ModuleType)):
        for part in gc.get_referents(thing):
            if part is not getattr(thing, "__globals__", None):
                yield from words(part, deep - 1)


def arguments(number: str, asked: Any) -> list[Any]:
    """What the learner's function gets for one case."""
    got: list[Any] = []
    beside(number).put(lambda function, *given: got.extend(given) or ["value", None],
                       [lambda *_: None], [asked])  # fmt: skip
    return got


@pytest.mark.parametrize("number", SECRETIVE)
def test_what_is_handed_over_does_not_differ_by_its_secret(number: str):
    one = exercise(number)
    said = [sorted(words(arguments(number, asked))) for asked in one.form.ask(one.instance(3))]
    if number == "02.3":  # as many instructions as the processor has
        said = [[word for word in found if not word.startswith("op")] for found in said]
    assert said[0] and all(found == said[0] for found in said)


@pytest.mark.parametrize("number", SECRETIVE)
def test_neither_does_the_instance_that_learners_look_at(number: str):
    one = exercise(number)
    said = [sorted(words(one.play([made]))) for made in one.instance(3)]
    if number == "02.3":
        said = [[word for word in found if not word.startswith("op")] for found in said]
    assert all(found == said[0] for found in said)


def test_a_secret_in_a_closure_is_found():
    fault = "clear"
    assert "clear" in words(lambda: fault)
    assert "clear" not in words(Sealed(fault)) and opened(Sealed(fault)) == "clear"
