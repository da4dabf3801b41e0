"""Exercise 02.3's processors, of the third generation as Popek and Goldberg define it.

A mode, a relocation register (base and bound), registers, memory, and instructions that differ
from one processor to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from random import Random
from typing import Any

from minihv.course.sealed import Sealed, opened

TRAP = "trap"
REAL, WINDOW = 64, 12  # words of real memory, and most words of a program's window
State = dict[str, Any]


def address(state: State, virtual: int) -> int | None:
    """Return the real address, None if it is outside the window (a memory trap)."""
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


def _jump_by_base(s: State) -> str | None:
    s["pc"] = s["r"][3] + s["base"] - 1
    return None


def _store_base(s: State) -> str | None:
    real = address(s, s["r"][1])
    if real is None:
        return TRAP
    s["memory"][real] = s["base"]
    return None


def _enter_user(s: State) -> str | None:
    s["mode"], s["pc"] = "u", s["r"][3] - 1
    return None


def privileged(effect: Callable[[State], str | None]) -> Callable[[State], str | None]:
    """Return the instruction made privileged: it traps in user mode."""
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


EFFECTS: dict[str, Callable[[State], str | None]] = {
    "add": _add, "load": _load, "store": _store,
    "jump": _jump, "call": _call,
    "harmless": privileged(_nop),
    "set_base": privileged(_set_base),
    "enter_user": privileged(_enter_user),
    "read_base_privileged": privileged(_read_base),
    "ignored": ignored(_set_base), "free": _set_base,
    "read_mode": _read_mode, "read_base": _read_base,
    "jump_by_base": _jump_by_base, "store_base": _store_base,
    "at_times": _at_times, "mode_at_times": _read_mode_at_times,
    "enter_user_ignored": _enter_user,
}  # fmt: skip


@lru_cache(2000)
def _values(n: int) -> tuple:
    """Return what state number `n` holds: base, bound, pc, r, memory."""
    rng = Random(f"state {n}")
    r, memory = [rng.randrange(16) for _ in range(4)], [rng.randrange(1000) for _ in range(REAL)]
    return rng.randrange(0, 20), rng.randrange(6, WINDOW), rng.randrange(4), r, memory


class Processor:
    """A processor: `ops` names its instructions, `execute` tries one."""

    def __init__(self, kinds: tuple[str, ...]):
        self._kinds = Sealed(kinds)
        self.ops = [f"op{k}" for k in range(len(kinds))]  # names that tell nothing

    def __repr__(self) -> str:
        return f"a processor with the instructions {', '.join(self.ops)}"

    def execute(self, op: str, state: State) -> State | str:
        """Return the state after `op`, or "trap"; the state that you gave is left alone."""
        after = {**state, "r": list(state["r"]), "memory": list(state["memory"])}
        if EFFECTS[kinds_of(self)[int(op[2:])]](after) == TRAP:
            return TRAP
        after["pc"] += 1
        return after

    def moved(self, state: State, by: int) -> State:
        """Return the program moved: base and its window's contents `by` words further up."""
        memory, base, bound = list(state["memory"]), state["base"], state["bound"]
        memory[base + by : base + by + bound] = state["memory"][base : base + bound]
        return {**state, "base": base + by, "memory": memory, "r": list(state["r"])}

    def state(self, n: int) -> State:
        """State number `n`, in supervisor mode: as many different ones as you like."""
        base, bound, pc, r, memory = _values(n)
        return {"mode": "s", "base": base, "bound": bound, "pc": pc, "r": list(r),
                "memory": list(memory)}  # fmt: skip


def kinds_of(one: Processor) -> tuple[str, ...]:
    """Return what each of its instructions is."""
    return opened(one._kinds)
