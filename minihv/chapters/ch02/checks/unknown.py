"""Exercise 02.3: processors that nobody has seen; classify their instructions by experiment.

A processor of the third generation, as Popek and Goldberg define it: a mode, a relocation register
(base and bound), registers, memory. A seed makes processors with differing instructions. The
learner's function may execute any of them in any state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble

TRAP = "trap"
REAL, WINDOW = 64, 12  # words of real memory, and most words of a program's window
State = dict[str, Any]


def address(state: State, virtual: int) -> int | None:
    """The real address, None where it lies outside the window (a memory trap)."""
    return state["base"] + virtual if 0 <= virtual < state["bound"] else None


# Each returns TRAP or None, and changes a copy of the state.
def _add(s: State) -> str | None:
    s["r"][0] = s["r"][1] + s["r"][2]
    return None


def _load(s: State) -> str | None:
    real = address(s, s["r"][1])
    if real is None:
        return TRAP
    s["r"][0] = s["memory"][real]
    return None


def _store(s: State) -> str | None:
    real = address(s, s["r"][1])
    if real is None:
        return TRAP
    s["memory"][real] = s["r"][2]
    return None


def _jump(s: State) -> str | None:
    s["pc"] = s["r"][3] - 1
    return None


def _nop(s: State) -> str | None:
    return None


def _call(s: State) -> str | None:
    return TRAP


def _user(s: State) -> bool:
    return s["mode"] == "u"


def _set_base(s: State) -> str | None:
    s["base"] = 2 * (s["r"][2] & 15)
    return None


def _read_mode(s: State) -> str | None:
    s["r"][0] = int(_user(s))
    return None


def _read_base(s: State) -> str | None:
    s["r"][0] = s["base"]
    return None


def _enter_user(s: State) -> str | None:
    s["mode"], s["pc"] = "u", s["r"][3] - 1
    return None


def privileged(effect: Callable[[State], str | None]) -> Callable[[State], str | None]:
    """The instruction traps in user mode."""
    return lambda s: TRAP if _user(s) else effect(s)


def ignored(effect: Callable[[State], str | None]) -> Callable[[State], str | None]:
    """In user mode nothing happens, and nobody is told."""
    return lambda s: None if _user(s) else effect(s)


def _at_times(s: State) -> str | None:
    """Traps in user mode for most operands; for some it does what it should not."""
    if _user(s) and s["r"][1] % 4:
        return TRAP
    return _set_base(s)


def _read_mode_at_times(s: State) -> str | None:
    s["r"][0] = s["r"][1] if s["r"][1] % 4 else s["r"][2] + _user(s)
    return None


# kind: (what it does, privileged, sensitive)
KINDS: dict[str, tuple[Callable[[State], str | None], bool, bool]] = {
    "add": (_add, False, False), "load": (_load, False, False), "store": (_store, False, False),
    "jump": (_jump, False, False), "call": (_call, False, False),
    "harmless": (privileged(_nop), True, False),
    "set_base": (privileged(_set_base), True, True),
    "enter_user": (privileged(_enter_user), True, True),
    "read_base_privileged": (privileged(_read_base), True, True),
    "ignored": (ignored(_set_base), False, True), "free": (_set_base, False, True),
    "read_mode": (_read_mode, False, True), "read_base": (_read_base, False, True),
    "at_times": (_at_times, False, True), "mode_at_times": (_read_mode_at_times, False, True),
    "enter_user_ignored": (_enter_user, False, True),
}  # fmt: skip
GOOD = [kind for kind, (_, privileged_, sensitive) in KINDS.items() if privileged_ or not sensitive]
_ORDER = {kind: k for k, kind in enumerate(KINDS)}
BAD = [kind for kind in KINDS if kind not in GOOD]
MANY = 6  # processors of an instance


@lru_cache(2000)
def _values(n: int) -> tuple:
    """What state number `n` holds: base, bound, pc, r, memory."""
    rng = Random(f"state {n}")
    r, memory = [rng.randrange(16) for _ in range(4)], [rng.randrange(1000) for _ in range(REAL)]
    return rng.randrange(0, 20), rng.randrange(6, WINDOW), rng.randrange(4), r, memory


@dataclass(frozen=True)
class Processor:
    """A processor: `ops` names its instructions, `execute` tries one."""

    kinds: tuple[str, ...]

    @property
    def ops(self) -> list[str]:
        """The instructions' names, which tell nothing."""
        return [f"op{k}" for k in range(len(self.kinds))]

    def __repr__(self) -> str:
        return f"a processor with the instructions {', '.join(self.ops)}"

    def execute(self, op: str, state: State) -> State | str:
        """The state after `op`, or "trap"; the state that you gave is left alone."""
        after = {**state, "r": list(state["r"]), "memory": list(state["memory"])}
        if KINDS[self.kinds[int(op[2:])]][0](after) == TRAP:
            return TRAP
        after["pc"] += 1
        return after

    def moved(self, state: State, by: int) -> State:
        """The same program elsewhere: base and the contents of its window `by` words further up."""
        memory, base, bound = list(state["memory"]), state["base"], state["bound"]
        memory[base + by : base + by + bound] = state["memory"][base : base + bound]
        return {**state, "base": base + by, "memory": memory, "r": list(state["r"])}

    def state(self, n: int) -> State:
        """State number `n`, in supervisor mode: as many different ones as you like."""
        base, bound, pc, r, memory = _values(n)
        return {"mode": "s", "base": base, "bound": bound, "pc": pc, "r": list(r),
                "memory": list(memory)}  # fmt: skip


def make(rng: Random) -> list[Processor]:
    """Processors with their instructions in any order; some have no bad one, some one or two."""
    made = []
    for bad in (1, 0, 2, 0, 1, rng.choice((0, 1))):
        kinds = GOOD + rng.sample(BAD, bad)
        rng.shuffle(kinds)
        made.append(Processor(tuple(kinds)))
    return made


def ask(processors: list[Processor]) -> list[list[int]]:
    """Which instructions each has, by numbers."""
    return [[list(KINDS).index(kind) for kind in one.kinds] for one in processors]


def put(call: Callable[..., list], answers: Any, asked: list[list[int]]) -> list:
    """One outcome a processor: (table, whether it is virtualizable)."""
    names = list(KINDS)
    return [call(answers[0], Processor(tuple(names[k] for k in kinds))) for kinds in asked]


def judge(outcomes: list, processors: list[Processor]) -> Verdict:
    """The first instruction that is classified wrongly, or the first wrong conclusion."""
    if len(outcomes) != len(processors):
        return wrong("handback")
    for number, (outcome, one) in enumerate(zip(outcomes, processors, strict=True), 1):
        facts: dict[str, Any] = {"number": number}
        bad = trouble(outcome)
        if bad is not None:
            return bad if bad.key == "late" else wrong(f"{bad.key}_at", **bad.values, **facts)
        got = outcome[1]
        if not _shaped(got, one):
            return wrong("shape", got=repr(got)[:80], **facts)
        pairs = sorted(zip(one.ops, one.kinds, strict=True), key=lambda pair: _ORDER[pair[1]])
        for op, kind in pairs:
            right = [KINDS[kind][1], KINDS[kind][2]]
            if got[0][op] != right:
                said = [bool(value) for value in got[0][op]]
                return _explain(op, kind, said, right, facts)
        escapes = [op for op, kind in zip(one.ops, one.kinds, strict=True) if kind in BAD]
        if got[1] != (not escapes):
            facts |= {"ops": ", ".join(escapes)}
            return wrong("too_strict" if not escapes else "too_kind", **facts)
    return Verdict(True, "passed", {"count": len(processors)})


def _shaped(got: Any, one: Processor) -> bool:
    if type(got) is not list or len(got) != 2 or type(got[1]) is not bool:
        return False
    table = got[0]
    return type(table) is dict and set(table) == set(one.ops) and all(
        type(row) is list and [type(cell) for cell in row] == [bool, bool]
        for row in table.values()
    )  # fmt: skip


def _explain(op: str, kind: str, said: list[bool], right: list[bool],
             facts: dict[str, Any]) -> Verdict:  # fmt: skip
    facts |= {"op": op}
    if said[0] != right[0]:
        if right[0]:
            return wrong("is_privileged", **facts)
        return wrong({"call": "traps_always", "at_times": "traps_at_times"}.get(
            kind, "not_privileged"), **facts)  # fmt: skip
    if said[1]:
        return wrong({"load": "moved_load", "store": "moved_load", "harmless": "harmless",
                      "call": "call"}.get(kind, "innocuous"), **facts)  # fmt: skip
    return wrong(f"missed_{kind}", **facts)


def play(processors: list[Processor]) -> Processor:
    """The first, to look at by hand."""
    return processors[0]
