"""The check of checks: right answers pass, wrong ones fail, each with a message of its own.

Answers lie in tests/answers/EXERCISE/: right_*.py, and wrong_*.py with a line `# says: KEY` that
names the sentence they must get.
"""

import json
import re
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

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
    (expected,) = re.findall(r"^# says: (\w+)$", path.read_text(), re.MULTILINE)
    answers = names(number, path)
    seeds = (2, 77) if "hard_coded" in path.stem or "other_period" in path.stem else SEEDS
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
        verdict = judged(number, names(number, path), 2)
        text = verdict.text(number)
        assert text not in said, (path, said[text])
        said[text] = path


def test_answers_belong_to_exercises():
    folders = {path.name for path in ANSWERS.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert folders == {number.replace(".", "_") for number in EXERCISES}
