"""Exercise 16.1: which system calls does a seccomp filter let through? Run it and count.

A seed makes filters of several shapes: lists of forbidden or allowed numbers, ranges, a look at
the architecture, a look at an argument. The learner's function is a small machine for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.cloud.surface import run_filter
from minihv.containers.linux.seccomp import ALLOW, ARCH, ERRNO, JEQ, JGE, JSET, KILL, LOAD, RET
from minihv.course.cases import FAILED, Cases
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.course.shapes import Each

Code = tuple[int, int, int, int]
X86, OTHER = ARCH["x86_64"], ARCH["aarch64"]
TRAP, LOG = 0x00030000, 0x7FFC0000
NUMBERS = range(120)


@dataclass(frozen=True)
class Case:
    """A filter, the architecture and first argument of the calls; the numbers that it allows."""

    kind: str
    code: tuple[Code, ...]
    arch: int
    argument: int
    right: tuple[int, ...]

    def __str__(self) -> str:
        return "\n".join(f"{n:3}: code {c:#04x}, jt {t}, jf {f}, k {k:#x}"
                         for n, (c, t, f, k) in enumerate(self.code))


def run(code: tuple[Code, ...], number: int, arch: int, argument: int, *, bug: str = "") -> int:
    """Return what the filter returns; `bug` makes one of the likely mistakes."""
    data = {0: number, 4: arch, 16: argument & 0xFFFFFFFF, 20: argument >> 32}
    data |= {20: 0} if bug == "upper" else {16: argument} if bug == "whole" else {}
    word, at = 0, 0
    while True:
        operation, if_true, if_false, k = code[at]
        at += 1
        if operation == LOAD:
            word = number if bug == "load" else data.get(k, 0)
        elif operation == RET:
            return k
        else:
            if operation == JEQ:
                taken = word == k
            elif operation == JGE:
                taken = word > k if bug == "greater" else word >= k
            else:
                taken = word & k == k if bug == "all_bits" else word & k != 0
            if bug == "swapped":
                taken = not taken
            at += (if_true if taken else if_false) - (bug == "offset")


def passes(answer: int, bug: str = "") -> bool:
    """Tell if the call is carried out."""
    if bug == "not_killed":
        return answer != KILL
    return answer == ALLOW or (answer & 0xFFFF0000 == LOG and bug != "log")


def allowed(case: Case, bug: str = "") -> list[int] | None:
    """Return the numbers that get through; None if the mistake runs out of the filter."""
    try:
        return [n for n in NUMBERS
                if passes(run(case.code, n, case.arch, case.argument, bug=bug), bug)]
    except IndexError:
        return None


MISTAKES = ("swapped", "load", "greater", "all_bits", "not_killed", "log", "upper",
            "whole")  # fmt: skip


def _body(kind: str, turn: int, rng: Random) -> tuple[list[Code], int, int]:
    """Instructions after the first load of the number, and the arch and argument of the calls."""
    some = sorted(rng.sample(NUMBERS, 9))
    no = (RET, 0, 0, ERRNO | rng.choice([1, 38]))
    yes = (RET, 0, 0, ALLOW)
    code: list[Code] = []
    if kind == "forbidden":
        for n in some:
            code += [(JEQ, 0, 1, n), no]
        return [*code, yes], X86, 0
    if kind == "allowed":
        for n in some[:-1]:
            code += [(JEQ, 0, 1, n), yes]
        return [*code, (JEQ, 0, 1, some[-1]), (RET, 0, 0, LOG), (RET, 0, 0, KILL)], X86, 0
    if kind == "ranges":
        low, mid, high = some[1], some[4], some[7]
        return [(JGE, 0, 1, high), no, (JGE, 0, 1, mid), yes, (JGE, 0, 1, low),
                (RET, 0, 0, TRAP), yes], X86, 0  # fmt: skip
    if kind == "argument":
        bits = 1 << rng.randrange(8, 30) | 1 << rng.randrange(30, 32)
        code = [(JEQ, 0, 3, some[3]), (LOAD, 0, 0, 16), (JSET, 0, 1, bits), no, yes]
        return code, X86, [bits & -bits, bits ^ (1 << 32) - 1, bits | 1][turn]
    if kind == "upper":  # both halves of the argument have to match, or one of them
        low, high = (rng.getrandbits(32) | 1 << 31 | 1 for _ in range(2))
        tests = [(LOAD, 0, 0, 20), (JEQ, 0, 3, high), (LOAD, 0, 0, 16), (JEQ, 0, 1, low)]
        if turn:
            tests = [tests[2], tests[3]] if turn == 1 else [tests[0], (JEQ, 0, 1, high)]
        return [(JEQ, 0, len(tests) + 1, some[3]), *tests, no, yes], X86, high << 32 | low
    if kind == "other":  # what is not in the table is 0
        return [(JGE, 0, 3, some[5]), (LOAD, 0, 0, (8, 12, 24)[turn]), (JEQ, 0, 1, 0), yes,
                no], X86, rng.getrandbits(64)  # fmt: skip
    return [(LOAD, 0, 0, 4), (JEQ, 1, 0, X86), (RET, 0, 0, KILL), (LOAD, 0, 0, 0),
            (JGE, 0, 1, some[6]), no, yes], [X86, OTHER, X86][turn], 0  # fmt: skip


KINDS = ("forbidden", "allowed", "ranges", "argument", "arch", "upper", "other")


def make(rng: Random) -> list[Case]:
    """Return three filters of each kind; the ones on architecture and arguments each way."""
    cases = []
    for turn, kind in [(n, kind) for n in range(3) for kind in KINDS]:
        body, arch, argument = _body(kind, turn, rng)
        case = Case(kind, ((LOAD, 0, 0, 0), *body), arch, argument, ())
        found = allowed(case)
        assert found is not None
        cases.append(Case(kind, case.code, arch, argument, tuple(found)))
    return cases


def explain(got: list[int], case: Case) -> Verdict:
    """Say which call too many or too few got through."""
    if len(set(got)) != len(got):
        return wrong("twice")
    if sorted(got) == [n for n in NUMBERS if n not in case.right]:
        return wrong("inverted")
    extra, lacking = sorted(set(got) - set(case.right)), sorted(set(case.right) - set(got))
    which, what = (extra, "extra") if extra else (lacking, "lacking")
    answer = run(case.code, which[0], case.arch, case.argument) if which[0] in NUMBERS else 0
    return wrong(what, call=which[0], answer=answer, count=len(which))


def mistaken(bug: str) -> Callable[[Case], Any]:
    """Return what somebody answers who makes this mistake."""

    def answer(case: Case) -> Any:
        found = allowed(case, bug)
        return FAILED if found is None else found

    return answer


EXERCISE = Exercise(
    id="16.1", minutes=30, difficulty=2, points=4, make=make,
    form=Cases(
        call=lambda case: [case.code, [*NUMBERS], case.arch, case.argument],
        right=lambda case: [*case.right],
        shape=Each(int),
        alike=lambda got, right: sorted(got) == right,
        mistakes={bug: mistaken(bug) for bug in MISTAKES},
        facts=lambda case: {"kind": case.kind},
        explain=explain,
    ),
    counterpart=lambda: run_filter,
)  # fmt: skip
