"""The check of checks: right answers pass, wrong ones fail, each with a message of its own.

Answers lie in tests/answers/EXERCISE/: right_*.py, and wrong_*.py with a line `# says: KEY` that
names the sentence they must get. A mistake that not every seed shows has a line `# seeds: 3, 4`.
"""

import json
import re
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from minihv.course import texts
from minihv.course.beside import outcomes_of
from minihv.course.books.generate import exercise_notebook
from minihv.course.books.notebooks import defined_names, load
from minihv.course.exercise import VISIBLE, Verdict, all_chapters, chapter, exercise
from minihv.course.verdicts import decide
from tests.answers.variants import SOLUTIONS, variant

ANSWERS = Path(__file__).parents[1] / "answers"
EXERCISES = [one.id for number in all_chapters() for one in chapter(number)]
SEEDS = (VISIBLE, 2, 77)


def files(kind: str) -> list[Any]:
    """Every answer of a kind, as (exercise, path)."""
    found = []
    for number in EXERCISES:
        folder = ANSWERS / number.replace(".", "_")
        found += [pytest.param(number, path, id=f"{number}-{path.stem}")
                  for path in sorted(folder.glob(f"{kind}_*.py"))]
    return found


def names(number: str, path: Path) -> list[Any]:
    """The answer in a file: the values of the exercise's names."""
    defined = runpy.run_path(str(path))
    return [defined[name] for name in exercise(number).names]


def said_by(path: Path) -> str:
    """The sentence that a wrong answer must get."""
    (key,) = re.findall(r"^# says: (\w+)$", path.read_text(), re.MULTILINE)
    return key


def seeds_of(path: Path) -> tuple[int, ...]:
    """The seeds on which an answer is wrong."""
    chosen = re.findall(r"^# seeds: (.+)$", path.read_text(), re.MULTILINE)
    return tuple(map(int, chosen[0].split(", "))) if chosen else SEEDS


@cache
def instance(number: str, seed: int) -> tuple[Any, Any]:
    """An instance and what is asked about it, made once for all tests of this process."""
    made = exercise(number).instance(seed)
    return made, json.loads(json.dumps(exercise(number).form.ask(made)))


def judged(number: str, answers: list[Any], seed: int) -> Verdict:
    """As `try_answer`, on instances that are kept."""
    made, asked = instance(number, seed)
    return decide(exercise(number), outcomes_of(number, answers, asked), made)


def verdicts(number: str, answers: list[Any], seeds: tuple[int, ...] = SEEDS) -> list[Verdict]:
    return [judged(number, answers, seed) for seed in seeds]


@pytest.fixture(autouse=True)
def short_budgets(monkeypatch: pytest.MonkeyPatch):
    """An endless loop need not last ten seconds here."""
    for number in EXERCISES:
        side = exercise(number).beside
        monkeypatch.setitem(side.__dict__, "seconds", side.seconds / 10)


@pytest.mark.parametrize("number", EXERCISES)
def test_the_reference_passes(number: str):
    answers = list(variant(number).values())
    for verdict in verdicts(number, answers, (*SEEDS, *range(100, 105))):
        assert verdict.ok, verdict.text(number)


@pytest.mark.parametrize("number", EXERCISES)
def test_the_blank_is_told_apart_from_a_wrong_answer(number: str):
    (path,) = SOLUTIONS.glob(f"{number[:2]}_*.ipynb")
    blank: dict[str, Any] = {}
    for cell in exercise_notebook(load(path))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and defined_names(source) & set(exercise(number).names):
            try:
                exec(source, blank)
            except NotImplementedError:
                pass        # as in the notebook, the cell fails and the others go on
    answers = [blank[name] for name in exercise(number).names]
    for verdict in verdicts(number, answers):
        assert not verdict.ok
        assert verdict.key == "unsolved"
        assert "NotImplementedError" in verdict.text(number)


@pytest.mark.parametrize(("number", "path"), files("right"))
def test_another_right_answer_passes(number: str, path: Path):
    for verdict in verdicts(number, names(number, path)):
        assert verdict.ok, verdict.text(number)


@pytest.mark.parametrize(("number", "path"), files("wrong"))
def test_a_wrong_answer_fails_with_its_message(number: str, path: Path):
    answers, seeds = names(number, path), seeds_of(path)
    expected = said_by(path)
    for verdict in verdicts(number, answers, seeds):
        assert not verdict.ok
        assert verdict.key == expected, verdict.text(number)


@pytest.mark.parametrize("number", EXERCISES)
def test_there_are_enough_answers_and_no_two_wrong_ones_sound_alike(number: str):
    folder = ANSWERS / number.replace(".", "_")
    assert len(list(folder.glob("right_*.py"))) >= 3
    wrong = sorted(folder.glob("wrong_*.py"))
    assert len(wrong) >= 5
    said: dict[str, Path] = {}
    for path in wrong:
        if "endless" in path.stem and number != "01.1":
            continue        # its message is everybody's, and it takes its time
        verdict = judged(number, names(number, path), seeds_of(path)[-2])
        text = verdict.text(number)
        assert text not in said, (path, said[text])
        said[text] = path


# Sentences that no wrong answer in a file says: parts of other sentences, and those that
# test_each_exercise_says_what_is_no_answer finds.
PARTS = {"asked", "read_last", "read_nothing", "kind_valid", "kind_right", "kind_user", "kind_mark",
         "kind_pointer", "kind_place", "kind_reserved"}
NO_ANSWER = {"error_at", "odd_at", "unsolved_at"}
ACTING = {"02.1", "15.2", "16.2"}     # judged by what they do, not by what they return


@pytest.mark.parametrize("number", EXERCISES)
def test_each_verdict_is_reached_by_a_wrong_answer(number: str):
    said = {said_by(path.values[1]) for path in files("wrong") if path.values[0] == number}
    given = texts.table("en")[number].keys() - {"title", "hints", "passed"}
    assert given - said - PARTS - NO_ANSWER == set()


def test_a_verdict_that_nobody_reaches_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(texts.table("en")["05.1"], "planted", "Nobody says this.")
    with pytest.raises(AssertionError, match="planted"):
        test_each_verdict_is_reached_by_a_wrong_answer("05.1")


def _stops(*_: Any) -> Any:
    raise RuntimeError("here")


@pytest.mark.parametrize("number", EXERCISES)
def test_each_exercise_says_what_is_no_answer(number: str):
    """A function that stops, that returns a set, that is written for the first call only."""
    right = list(variant(number).values())
    functions = sum(map(callable, right))

    def half(*arguments: Any) -> Any:
        if half.calls:                      # type: ignore[attr-defined]
            raise NotImplementedError
        half.calls += 1                     # type: ignore[attr-defined]
        return right[0](*arguments)

    half.calls = 0                          # type: ignore[attr-defined]
    own = texts.table("en")[number]
    for wrong, key in ((_stops, "error"), (lambda *_: {1}, "odd"), (half, "unsolved")):
        if key == "odd" and number in ACTING or key == "unsolved" and f"{key}_at" not in own:
            continue
        given = [wrong] * functions if key != "unsolved" else [wrong, *right[1:functions]]
        verdict = judged(number, given + right[functions:], 2)
        assert verdict.key == (f"{key}_at" if f"{key}_at" in own else key), verdict.text(number)
        assert verdict.text(number)


def test_answers_belong_to_exercises():
    folders = {path.name for path in ANSWERS.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert folders == {number.replace(".", "_") for number in EXERCISES}
