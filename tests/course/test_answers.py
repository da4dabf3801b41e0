"""The learner's side: budgets that end every loop, and data that is copied by its exact type."""

import threading
import time
from enum import IntEnum

import numpy as np
import pytest

from minihv.course import budget
from minihv.course.answers import Caller, Odd, plain, value, well_formed
from minihv.course.beside import outcomes_of
from minihv.course.budget import OutOfTime, limit
from minihv.course.exercise import exercise
from minihv.course.verdicts import decide


class Cause(IntEnum):
    LOAD = 13


class Sly(int):
    """A number that claims to be whatever one wants."""

    def __eq__(self, other: object) -> bool:
        return True

    def __int__(self) -> int:
        return 42

    def __index__(self) -> int:
        return 42

    __hash__ = int.__hash__


class Pretender:
    """Says that it is an int, and equal to everything."""

    __class__ = int  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


def test_plain_data_is_copied():
    data = {"a": [1, "x", None, True, 2.5], "b": (1, (2, 3))}
    assert plain(data) == {"a": [1, "x", None, True, 2.5], "b": [1, [2, 3]]}
    assert plain(Cause.LOAD) == 13
    assert type(plain(Cause.LOAD)) is int
    assert plain((np.uint64(2**64 - 1), np.int8(-1))) == [2**64 - 1, -1]


def test_a_sly_number_is_only_what_it_holds():
    copied = plain(Sly(7))
    assert type(copied) is int
    assert copied == 7


@pytest.mark.parametrize("odd", [
    {1, 2}, object(), Pretender(), b"x", {1: 2}, lambda: 0, range(3), 1 << 200,
    type("L", (list,), {})([1]), type("S", (str,), {})("x"), [[[[[[[[[[1]]]]]]]]]],
], ids=lambda odd: type(odd).__name__)
def test_what_is_no_plain_data_is_refused(odd: object):
    with pytest.raises(Odd):
        plain(odd)


def test_a_list_that_holds_itself_is_refused():
    endless: list = []
    endless.append(endless)
    with pytest.raises(Odd):
        plain(endless)


def test_each_way_to_fail_has_its_outcome():
    call = Caller(5.0)

    def divide(n: int) -> float:
        return n / 0

    def leave() -> None:
        raise SystemExit(3)

    def unwritten() -> None:
        raise NotImplementedError

    assert call(divmod, 7, 2) == ["value", [3, 1]]
    assert call(divide, 1)[:2] == ["error", "ZeroDivisionError: division by zero"]
    assert call(divide, 1)[2].endswith("return n / 0")
    assert call(leave)[:2] == ["error", "SystemExit: 3"]
    assert call(unwritten) == ["unsolved"]
    assert call(set) == ["odd", "an object of type set"]
    assert call(5) == ["odd", "an object of type int"]
    assert value(...) == ["unsolved"]
    assert value("b") == ["value", "b"]


def spin() -> None:
    while True:
        pass


def sleep() -> None:
    time.sleep(60)


def swallow() -> None:
    for _ in range(3):          # each one needs another OutOfTime
        try:
            spin()
        except BaseException:
            pass


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Limits as a learner has them, whatever patience the test run asks for."""
    monkeypatch.delenv("MINIHV_PATIENCE", raising=False)



def test_a_slow_computer_gets_more_time(monkeypatch):
    """Four times slower, four times as long; the tests' patience on top; never less."""
    for trial, patience, wanted in ((0.5, "", 1), (4.0, "", 4), (4.0, "3", 12)):
        monkeypatch.setattr(budget, "_trial", lambda trial=trial: trial)
        monkeypatch.setenv("MINIHV_PATIENCE", patience)
        assert budget.slowness() == wanted


@pytest.mark.parametrize("loop", [spin, sleep, swallow])
def test_an_endless_loop_ends_and_later_calls_do_not_start(loop):
    call = Caller(0.3)
    assert call(loop)[0] in ("late", "value")
    call = Caller(0.3)
    call(spin)
    started: list[int] = []
    assert call(started.append, 1) == ["late", 0.3]
    assert started == []


def test_in_another_thread_a_loop_ends_too():
    outcome: list = []
    thread = threading.Thread(target=lambda: outcome.append(Caller(0.3)(spin)))
    thread.start()
    thread.join(30)
    assert outcome == [["late", 0.3]]


def test_nothing_rings_after_the_limit():
    for chosen in (budget._by_alarms, budget._by_thread):
        with chosen(0.05):
            pass
        time.sleep(0.3)
    with pytest.raises(OutOfTime), limit(0.05):
        spin()
    time.sleep(0.3)


@pytest.mark.parametrize("garbage", [
    None, [], {}, "x", [1], [["value"]], [["value", 1, 2]], [["lie", 1]], [[1, 2]], [[]],
    [["value", 1], None],
])
def test_a_malformed_reply_is_no_answer(garbage: object):
    assert not well_formed(garbage)
    one = exercise("01.4")
    assert decide(one, garbage, one.instance(1)).key == "handback"


@pytest.mark.parametrize("number", ["01.1", "01.2", "01.3", "01.4"])
@pytest.mark.parametrize("values", [
    [["value", None]], [["value", []]] * 94, [["value", {"pa": 1}]] * 20, [["value", [1]]] * 9,
    [["value", [True, False]]] * 9, [["value", [["pa"], 1]]] * 94, [["value", ["pa", True]]] * 94,
    [["value", [1.0, 2]]] * 20, [["value", "x" * 10_000]] * 20, [["value", ["pa", {}]]] * 94,
])
def test_no_reply_upsets_a_judge(number: str, values: list):
    one = exercise(number)
    verdict = decide(one, values, one.instance(1))
    assert not verdict.ok
    assert verdict.text(number)


def test_a_reply_passes_through_json():
    one = exercise("01.4")
    asked = one.form.ask(one.instance(1))
    outcomes = outcomes_of("01.4", [lambda *_: (1, 2), "b"], asked)
    assert outcomes[0] == ["value", [1, 2]]
    assert outcomes[-1] == ["value", "b"]
