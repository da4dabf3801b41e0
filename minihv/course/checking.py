"""What a learner calls about exercises: check, hint, instance, progress, forget."""

from __future__ import annotations

import textwrap
from typing import Any

from minihv.course import state
from minihv.course.cards import Card, emit
from minihv.course.exercise import (
    VISIBLE,
    CourseError,
    Exercise,
    all_chapters,
    chapter,
    draw_seed,
    exercise,
    judged_outside,
)
from minihv.course.texts import say, several

WIDTH = 88  # columns that fit a notebook's output


class NotYet(AssertionError):
    """A check that an answer did not pass; in a notebook it shows its text and no traceback."""

    def _render_traceback_(self) -> list[str]:
        lines = str(self).split("\n")
        return [part for line in lines for part in textwrap.wrap(line, WIDTH) or [""]]


def check(number: str, *answer: Any, seed: int | None = None, seeds: int = 1) -> None:
    """Judge the answer to exercise `number`: check("01.2", walk). NotYet says what is wrong.

    Without `seed` it is judged on the instance that learners see, then on `seeds` others.
    """
    if judged_outside():
        emit(Card("note", say("judge", "judged", id=number)))
        return
    from minihv.course.verdicts import try_answer

    judged = exercise(number)
    if len(answer) != len(judged.names):
        raise CourseError(say("common", "answers", count=len(judged.names), **_call(judged)))
    chosen = [seed] if seed is not None else [VISIBLE, *(draw_seed() for _ in range(seeds))]
    for current in chosen:
        verdict = try_answer(judged, answer, current)
        if not verdict.ok:
            record(judged, 0)
            raise NotYet(_complaint(judged, verdict.text(number), current))
        if current == chosen[0]:
            praise = verdict.text(number)
    record(judged, judged.points)
    title = say("check", "right", id=number, title=judged.title, points=judged.points)
    emit(Card("right", title, praise))


def _call(judged: Exercise) -> dict[str, str]:
    return {"id": judged.id, "names": ", ".join(judged.names)}


def _complaint(judged: Exercise, text: str, seed: int) -> str:
    """Return the text of a failed check; for a seed that was drawn, how to see that case again."""
    lines = [say("check", "wrong", id=judged.id, title=judged.title), text]
    if seed != VISIBLE:
        lines.insert(1, say("common", "hard_coded", seed=seed))
        lines.append(say("common", "again", seed=seed, **_call(judged)))
    return "\n".join(lines)


def record(judged: Exercise, points: int) -> None:
    """Count an attempt; points once reached are kept."""

    def change(everything: state.State) -> None:
        entry = everything["exercises"].setdefault(judged.id, {})
        entry["attempts"] = entry.get("attempts", 0) + 1
        entry["points"] = max(entry.get("points", 0), points)

    state.update(change)


def hint(number: str, which: int | None = None) -> None:
    """Show the next hint for exercise `number`, or the one that `which` names (from 1)."""
    asked = exercise(number)
    hints = several(number, "hints")
    if not hints:
        raise CourseError(say("hint", "none", id=number))
    seen = state.about("exercises", asked.id).get("hints", 0)
    shown = min(max(which or seen + 1, 1), len(hints))
    if shown > seen:
        state.note("exercises", asked.id, hints=shown)
    more = say("hint", "more" if shown < len(hints) else "last", id=number)
    title = say("hint", "title", number=shown, count=len(hints), id=number)
    emit(Card("hint", title, f"{hints[shown - 1]}\n{more}"))


def instance(number: str, seed: int = VISIBLE) -> Any:
    """Return what exercise `number` is about for `seed`, to look at and to try an answer on."""
    asked = exercise(number)
    return asked.play(asked.instance(seed))


def progress(where: bool = False) -> None:
    """Show what was tried and solved so far; with `where` also the file that this is kept in."""
    rows: list[list[Any]] = [several("progress", "heading")]
    got = most = 0
    for found in (found for number in all_chapters() for found in chapter(number)):
        entry = state.about("exercises", found.id)
        points = entry.get("points", 0)
        got, most = got + points, most + found.points
        rows.append([found.id, found.title, found.minutes, "*" * found.difficulty,
                     f"{points} / {found.points}", entry.get("attempts", 0),
                     entry.get("hints", 0)])  # fmt: skip
    total = say("progress", "total", got=got, most=most)
    total += "\n" + say("progress", "file" if where else "kept", path=state.path())
    emit(Card("note", say("progress", "title"), total, rows))


def forget() -> None:
    """Delete all that was kept about the learner."""
    state.forget()
    emit(Card("note", say("progress", "forgotten")))
