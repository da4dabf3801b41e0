"""Guess first, measure then: both are kept, so that a figure can draw the guess in."""

from __future__ import annotations

from typing import Any

from minihv.course import state
from minihv.course.answers import plain
from minihv.course.cards import Card, emit
from minihv.course.texts import say


def predict(name: str, guess: Any) -> None:
    """Write down the learner's guess (plain data) under `name`; ... stands for none yet."""
    if guess is Ellipsis:
        title = say("predict", "blank", name=name)
        emit(Card("hint", title, say("predict", "blank_text")))
        return
    kept = plain(guess)
    state.note("predictions", name, guess=kept)
    emit(Card("note", say("predict", "title", name=name, guess=_shown(kept)),
              say("predict", "text")))  # fmt: skip


def predicted(name: str) -> Any:
    """Return the guess that was written down under `name`; None if there is none."""
    return state.about("predictions", name).get("guess")


def measure(name: str, value: Any) -> Any:
    """Write down what was measured under `name`, show it beside the guess, and return it."""
    kept = plain(value)
    state.note("predictions", name, measured=kept)
    guess = predicted(name)
    if guess is None:
        text = say("measure", "unpredicted")
    elif guess == kept:
        text = say("measure", "right")
    else:
        text = say("measure", "differs", guess=_shown(guess))
    emit(Card("note", say("measure", "title", name=name, value=_shown(kept)), text))
    return value


def _shown(value: Any) -> str:
    if type(value) is int and abs(value) >= 10_000:
        return f"{value:,}"
    return f"{value:.4g}" if type(value) is float else str(value)
