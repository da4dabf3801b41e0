"""The learner's side of a check: call what the learner wrote, and copy what it gives.

An outcome is a list, so that JSON can carry it:

    ["value", v]              the call returned v
    ["error", what, where]    it raised; `where` is the learner's own line
    ["unsolved"]              it raised NotImplementedError: not written yet
    ["late", seconds]         it ran longer than it may
    ["odd", what]             it returned something that is no plain data
    ["missing", name]         the notebook defines no such name

Plain data is copied by the exact type of each value, so an object that claims to equal anything
gains nothing.
"""

from __future__ import annotations

import linecache
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from minihv.course.budget import OutOfTime, limit

Plain = Any  # int, str, bool, float, None, and lists and dicts of these: what JSON can carry

KINDS = {"value": 2, "error": 3, "unsolved": 1, "late": 2, "odd": 2, "missing": 2}
LONGEST = 200  # characters of an error's text
DEEPEST = 8  # levels of nested lists
NOT_LEARNERS = (str(Path(__file__).parents[1]), sysconfig.get_paths()["stdlib"],
                sysconfig.get_paths()["purelib"])  # fmt: skip


class Odd(Exception):
    """A value that is no plain data; says what it is."""


def plain(value: Any, depth: int = 0) -> Plain:
    """Return `value` copied into plain types; Odd for anything that is no plain data."""
    kind = type(value)
    if value is None or kind in (bool, str, float):
        return value
    if issubclass(kind, float):  # as numpy's are
        return float.__float__(value)
    if issubclass(kind, int):  # an IntEnum is fine
        return _number(int.__int__(value))
    if getattr(kind, "__module__", "") == "numpy" and hasattr(kind, "__index__"):
        try:
            return _number(kind.__index__(value))
        except TypeError:  # an array has it too
            raise Odd(_named(kind)) from None
    if depth < DEEPEST and issubclass(kind, tuple):
        return [plain(item, depth + 1) for item in tuple.__iter__(value)]
    if depth < DEEPEST and kind is list:
        return [plain(item, depth + 1) for item in value]
    if depth < DEEPEST and kind is dict:
        return {_text(key): plain(item, depth + 1) for key, item in value.items()}
    raise Odd(_named(kind))


def _number(value: int) -> int:
    if value.bit_length() > 128:
        raise Odd(f"a number of {value.bit_length()} bits")
    return value


def _text(key: Any) -> str:
    if type(key) is not str:
        raise Odd(f"a dict whose keys are not strings but {_named(type(key))}")
    return key


def _named(kind: type) -> str:
    return f"an object of type {kind.__name__}"


class Caller:
    """Calls what the learner wrote; all calls together may take `seconds` of processor time."""

    def __init__(self, seconds: float):
        self.seconds = self._left = seconds

    def __call__(self, function: Any, *arguments: Any) -> list:
        """Return the outcome of one call."""
        if self._left <= 0:
            return ["late", self.seconds]
        started = time.process_time()
        try:
            with limit(self._left):
                outcome = self._outcome(function, arguments)
            self._left -= time.process_time() - started
            return outcome
        except OutOfTime:
            self._left = 0.0
            return ["late", self.seconds]

    def _outcome(self, function: Any, arguments: Sequence[Any]) -> list:
        if not callable(function):
            return ["odd", _named(type(function))]
        try:
            return ["value", plain(function(*arguments))]
        except Odd as error:
            return ["odd", str(error)]
        except (KeyboardInterrupt, OutOfTime):
            raise
        except NotImplementedError:
            return ["unsolved"]
        except BaseException as error:  # the learner's code may raise anything, SystemExit too
            return ["error", described(error)[:LONGEST], _where(error.__traceback__)]


def described(error: BaseException) -> str:
    """Return an exception's name and text, which may be the learner's own code."""
    try:
        return f"{type(error).__name__}: {error}".removesuffix(": ")
    except BaseException:
        return type(error).__name__


def value(answer: Any) -> list:
    """Return the outcome of an answer that is data and no function."""
    try:
        return ["unsolved"] if answer is Ellipsis else ["value", plain(answer)]
    except Odd as error:
        return ["odd", str(error)]


def _where(trace: TracebackType | None) -> str:
    """Return the innermost line that the learner wrote, with its number in the cell."""
    found = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith(NOT_LEARNERS):
            text = linecache.getline(file, trace.tb_lineno).strip()
            found = f"line {trace.tb_lineno}: {text}" if text else f"line {trace.tb_lineno}"
        trace = trace.tb_next
    return found[:LONGEST]


def well_formed(outcomes: Any) -> bool:
    """Tell if `outcomes` is a list of outcomes; it came from a process that nobody trusts."""
    return type(outcomes) is list and bool(outcomes) and all(
        type(o) is list and o and type(o[0]) is str and KINDS.get(o[0]) == len(o)
        for o in outcomes
    )  # fmt: skip
