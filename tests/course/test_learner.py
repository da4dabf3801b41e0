"""What a learner calls in a cell, and what comes back: check, hint, predict, measure, show."""

import html.parser
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from minihv.chapters.ch01.checks.tlb import Tlb
from minihv.course import (
    cards,
    check,
    hint,
    instance,
    measure,
    predict,
    predicted,
    show,
    state,
)
from minihv.course.cards import Card
from minihv.course.checking import NotYet
from minihv.course.exercise import VISIBLE, CourseError, exercise
from minihv.course.showing import Beside
from tests.answers.variants import variant
from tests.course.test_judge import book

ROOT = Path(__file__).parents[2]


def unwritten(*_: Any) -> Any:
    raise NotImplementedError


# --- check --------------------------------------------------------------------------------------


def test_a_right_answer_is_praised_and_counted(
        state_file: Path, capsys: pytest.CaptureFixture[str]):
    check("01.2", variant("01.2")["walk"])
    assert capsys.readouterr().out.startswith("01.2 Write the Sv39 walk: right (5 points)\n94 acc")
    assert state.about("exercises", "01.2") == {"attempts": 1, "points": 5}


def test_a_later_failure_takes_no_points_away(state_file: Path):
    check("01.2", variant("01.2")["walk"])
    with pytest.raises(NotYet):
        check("01.2", unwritten)
    assert state.about("exercises", "01.2") == {"attempts": 2, "points": 5}


def test_a_wrong_answer_says_what_is_wrong(state_file: Path):
    with pytest.raises(NotYet) as caught:
        check("01.2", lambda *_: ("pa", 0))
    said = str(caught.value)
    assert "Asked: load at va 0x2c35562de0 from U-mode" in said
    assert "Expected pa 0xeb14ddf1f4de0, got pa 0x0" in said
    assert "level 0, at 0x" in said
    shown = caught.value._render_traceback_()
    assert " ".join(shown) == said.replace("\n", " ")
    assert all(len(line) <= 88 for line in shown)


def test_an_answer_that_knows_the_visible_seed_fails_on_another_and_hears_which(state_file: Path):
    known = {(c.va, c.access): c.answer for c in exercise("01.2").instance(VISIBLE).cases}
    with pytest.raises(NotYet, match=r"Right for the seed that you see(.|\n)*seed=\d+\)"):
        check("01.2", lambda read, satp, va, access, *_: known.get((va, access), ("pa", 0)))


def test_each_seed_that_is_asked_for_is_judged(state_file: Path, monkeypatch: pytest.MonkeyPatch):
    judged: list[int] = []
    right = exercise("01.4").instance(1)
    monkeypatch.setattr("minihv.course.verdicts.try_answer", lambda one, answers, seed: (
        judged.append(seed) or one.form.judge(
            [["value", list(p.counts)] for p in right] + [["value", "b"]], right)))
    check("01.4", None, None, seeds=3)
    assert judged[0] == VISIBLE
    assert len(set(judged)) == 4
    judged.clear()
    check("01.4", None, None, seed=9)
    assert judged == [9]


@pytest.mark.parametrize("arguments", [("01.2",), ("01.2", 1, 2), ("01.4", unwritten)])
def test_a_check_without_its_answers_says_which_it_wants(arguments: tuple):
    with pytest.raises(CourseError, match=r'check\("01\.\d", (walk|count_misses, because)\)'):
        check(*arguments)


def test_what_is_not_written_yet_says_where_to_begin(state_file: Path):
    with pytest.raises(NotYet, match=r'in `walk` by your own lines. hint\("01.2"\)'):
        check("01.2", unwritten)


# --- hints, predictions -------------------------------------------------------------------------


def test_hints_come_one_by_one_and_can_be_asked_for(
        state_file: Path, capsys: pytest.CaptureFixture[str]):
    for expected in ("Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Hint 3 of 3"):
        hint("01.2")
        assert capsys.readouterr().out.startswith(expected)
    hint("01.2", 1)
    assert "Hint 1 of 3" in capsys.readouterr().out
    assert state.about("exercises", "01.2")["hints"] == 3
    with pytest.raises(CourseError):
        hint("55.1")


def test_a_prediction_meets_its_measurement(
        state_file: Path, capsys: pytest.CaptureFixture[str]):
    predict("references", ...)
    assert "Replace the ..." in capsys.readouterr().out
    assert measure("references", 3) == 3
    assert "no prediction" in capsys.readouterr().out
    predict("references", 12_345)
    assert "12,345" in capsys.readouterr().out
    measure("references", 3)
    assert "You predicted 12,345." in capsys.readouterr().out
    measure("references", 12_345)
    assert "As you predicted." in capsys.readouterr().out
    assert predicted("references") == 12_345
    assert predicted("nothing") is None


def test_an_instance_can_be_played_with():
    tables = instance("01.2", seed=4)
    assert tables.read_u64(tables.cases[0].regime.satp & 0) is None
    assert instance("01.3").machine().run(100_000).exit_status in (12, 13, 15)
    assert len(instance("01.4")) == 8


# --- show ---------------------------------------------------------------------------------------


class Slower(Tlb):
    """A learner's replacement of one method."""

    def touch(self, va: int) -> bool:
        return False


@pytest.mark.parametrize(("arguments", "expected"), [
    (("01.2", unwritten), ["minihv: minihv.hw.mmu.walk", "def walk(s, r64", "yours: unwritten"]),
    ((Tlb,), ["minihv: minihv.chapters.ch01.checks.tlb.Tlb", "class Tlb"]),
    ((Tlb(3),), ["class Tlb"]),
    ((Slower,), ["minihv: minihv.chapters.ch01.checks.tlb.Tlb.touch", "self.misses += 1",
                 "yours: Slower.touch"]),
    ((Slower(3),), ["yours: Slower.touch"]),
    ((unwritten,), ["yours: unwritten"]),
    (("01.1", unwritten), ["trap_vector", "yours: unwritten"]),
    ((print,), ["not to be had"]),
])
def test_show_puts_versions_side_by_side(
        capsys: pytest.CaptureFixture[str], arguments: tuple, expected: list[str]):
    show(*arguments)
    out = capsys.readouterr().out
    positions = [out.find(text) for text in expected]
    assert -1 not in positions, out
    assert positions == sorted(positions)


def test_shown_source_is_in_colour_and_keeps_every_character():
    source = inspect.getsource(unwritten) + "# < & >"
    shown = Beside((("one", source), ("two", "start: j start <x>")))
    page = shown._repr_html_()
    assert '<span class="keyword">def</span>' in page
    assert "--jp-mirror-editor-keyword-color" in page
    parser = Balance()
    parser.feed(page.partition("</style>")[2])
    assert parser.open == [] and parser.text == "".join(f"{a}{b}" for a, b in shown.parts)
    assert "<span" not in page.partition(">two<")[2]        # assembly stays as it is


def test_show_of_an_exercise_without_counterpart_says_so():
    with pytest.raises(CourseError, match=r"01\.3 has no counterpart"):
        show("01.3", unwritten)


# --- cards --------------------------------------------------------------------------------------


class Balance(html.parser.HTMLParser):
    """Sees that tags open and close in order, and collects the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_card_says_the_same_as_html_and_as_text():
    card = Card("hint", "A <b> & c", "two\nlines", [["head", "x"], [1, "<td>"]])
    parser = Balance()
    parser.feed(card._repr_html_())
    assert parser.open == []
    for part in ("A <b> & c", "two\nlines", "head", "<td>"):
        assert part in parser.text
        assert part in str(card)
    assert "color:" not in card._repr_html_().replace("border-color", "")


def test_columns_wrap_their_last_column():
    text = cards.columns([["a", "b"], ["x", "word " * 20]], 50)
    assert len(text.splitlines()) == 4
    assert all(len(line) <= 50 for line in text.splitlines())


# --- in a notebook ------------------------------------------------------------------------------


def test_nbval_fails_a_notebook_with_a_wrong_answer_and_shows_the_message(
        tmp_path: Path, state_file: Path):
    path = book(tmp_path / "mine.ipynb", "from minihv.course import check\nwalk = lambda *_: 1",
                'check("01.2", walk)', "1 + 1")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax",
         "--nbval-current-env", str(path)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert "2 passed" in done.stdout
    assert 'Return ("pa", address) or ("fault", cause)' in done.stdout
    assert "verdicts.py" not in done.stdout
