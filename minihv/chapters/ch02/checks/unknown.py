"""Exercise 02.3: processors that nobody has seen; classify their instructions by experiment."""

from __future__ import annotations

from random import Random
from typing import Any

from minihv.chapters.ch02.beside.processor import Processor, kinds_of
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong

# Kind of instruction: privileged, sensitive.
TRUTH: dict[str, tuple[bool, bool]] = {
    "add": (False, False), "load": (False, False), "store": (False, False),
    "jump": (False, False), "call": (False, False),
    "harmless": (True, False),
    "set_base": (True, True),
    "enter_user": (True, True),
    "read_base_privileged": (True, True),
    "ignored": (False, True), "free": (False, True),
    "read_mode": (False, True), "read_base": (False, True),
    "jump_by_base": (False, True), "store_base": (False, True),
    "at_times": (False, True), "mode_at_times": (False, True),
    "enter_user_ignored": (False, True),
}  # fmt: skip
GOOD = [kind for kind, (privileged, sensitive) in TRUTH.items() if privileged or not sensitive]
BAD = [kind for kind in TRUTH if kind not in GOOD]
_ORDER = {kind: k for k, kind in enumerate(TRUTH)}


def make(rng: Random) -> list[Processor]:
    """Processors with their instructions in any order; each bad one is in one of them, so that
    nobody is lucky, and some have none."""
    bad, made = rng.sample(BAD, len(BAD)), []
    for count in (2, 0, 2, 0, 3, 2):
        kinds = GOOD + [bad.pop() for _ in range(count)]
        rng.shuffle(kinds)
        made.append(Processor(tuple(kinds)))
    return made


def right(one: Processor) -> list[Any]:
    """Return the table of a processor's instructions, and whether it is virtualizable."""
    table = {op: [*TRUTH[kind]] for op, kind in zip(one.ops, kinds_of(one), strict=True)}
    return [table, not set(kinds_of(one)) & set(BAD)]


def explain(got: list[Any], one: Processor) -> Verdict:
    """Say which instruction is classified wrongly, the plainest first, or why it is virtualizable.
    """
    table, virtualizable = right(one)
    pairs = sorted(zip(one.ops, kinds_of(one), strict=True), key=lambda pair: _ORDER[pair[1]])
    for op, kind in pairs:
        if got[0][op] != table[op]:
            return _misclassified(op, kind, got[0][op], table[op])
    escapes = [op for op, kind in zip(one.ops, kinds_of(one), strict=True) if kind in BAD]
    return wrong("too_strict" if virtualizable else "too_kind", ops=", ".join(escapes))


def _misclassified(op: str, kind: str, said: list[bool], right: list[bool]) -> Verdict:
    facts = {"op": op}
    if said[0] != right[0]:
        if right[0]:
            return wrong("is_privileged", **facts)
        return wrong({"call": "traps_always", "at_times": "traps_at_times"}.get(
            kind, "not_privileged"), **facts)  # fmt: skip
    if said[1]:
        return wrong({"load": "moved_load", "store": "moved_load", "harmless": "harmless",
                      "call": "call"}.get(kind, "innocuous"), **facts)  # fmt: skip
    return wrong(f"missed_{kind}", **facts)


EXERCISE = Exercise(
    id="02.3", minutes=35, difficulty=2, points=4, make=make,
    form=Cases(
        call=kinds_of,
        right=right,
        shape=lambda one: [dict.fromkeys(one.ops, [bool, bool]), bool],
        explain=explain,
        # Who tries too few states misses both of these; the same one is told on every seed.
        order=("missed_mode_at_times", "traps_at_times"),
    ),
    play=lambda processors: processors[0],
)  # fmt: skip
