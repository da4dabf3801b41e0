"""Exercise 05.3: how many exits a trace costs under either policy, and which one wins.

A trace is what a guest does with page tables: ["touch", space, page], ["change", space, page] (its
kernel stores to that page's PTE and fences the page), ["switch", space] (it writes satp and fences
everything). 512 pages share a table of PTEs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.vmm import SyncedShadowPaging

FLOOD = 3
Counts = tuple[int, int, int]
Event = list


@dataclass
class Model:
    """Counts (hidden faults when fences forget, the same under protection, stores that exit).

    The switches plant what learners get wrong.
    """

    all_spaces: bool = True  # a fence of everything forgets every space
    change_drops: bool = True  # a changed entry is forgotten under protection, too
    protects: bool = True  # only a table that was walked is protected
    flood: int = FLOOD
    reset: bool = True  # a walk starts the count of stores anew
    frees: bool = True  # a table that goes free takes its entries along
    fenced: set[tuple] = field(default_factory=set)
    kept: set[tuple] = field(default_factory=set)
    stores: dict[tuple, int] = field(default_factory=dict)

    def play(self, trace: list[Event]) -> Counts:
        """Play a whole trace."""
        hidden = synced = exits = 0
        for kind, space, *page in trace:
            if kind == "switch":
                self.fenced = set() if self.all_spaces else {e for e in self.fenced
                                                             if e[0] == space}  # fmt: skip
                continue
            entry, table = (space, page[0]), (space, page[0] // 512)
            if kind == "touch":
                hidden += entry not in self.fenced
                self.fenced.add(entry)
                if entry not in self.kept:
                    synced += 1
                    self.kept.add(entry)
                    self.stores[table] = 0 if self.reset else self.stores.get(table, 0)
            else:
                self.fenced.discard(entry)
                exits += self._store(entry, table)
        return hidden, synced, exits

    def _store(self, entry: tuple, table: tuple) -> bool:
        """Store to the PTE of `entry`; tell if it exits."""
        if table not in self.stores:
            return not self.protects
        self.stores[table] += 1
        if self.change_drops:
            self.kept.discard(entry)
        if self.stores[table] > self.flood:
            del self.stores[table]
            if self.frees:
                self.kept = {e for e in self.kept if (e[0], e[1] // 512) != table}
        return True


MISTAKES: dict[str, dict[str, Any]] = {
    "own_space": {"all_spaces": False},
    "stale": {"change_drops": False},
    "unwalked": {"protects": False},
    "no_flood": {"flood": 1 << 30},
    "flood_early": {"flood": FLOOD - 1},
    "flood_late": {"flood": FLOOD + 1},
    "no_reset": {"reset": False},
    "free_keeps": {"frees": False},
}


@dataclass(frozen=True)
class Play:
    """A trace and its counts."""

    trace: list[Event]
    counts: Counts


def workload(rng: Random, order: list[int], pages: int, changes: int) -> list[Event]:
    """Turns of the spaces in this order: each touches its pages, and its kernel changes some.

    All spaces use the same page numbers, as processes do.
    """
    trace: list[Event] = []
    first = rng.randrange(1, 40) * 512 - rng.randrange(1, pages)
    own = [first + n for n in range(pages)]
    for space in order:
        trace.append(["switch", space])
        body = [["touch", space, page] for page in own]
        body += [["change", space, rng.choice(own)] for _ in range(changes)]
        rng.shuffle(body)
        trace += body
    return trace


def flooded(rng: Random) -> list[Event]:
    """Tables that are built, used, cleared store by store, and used again."""
    trace: list[Event] = [["switch", 0]]
    fresh = rng.sample(range(1, 7), 5)
    for stores, edge in ((4, 0), (2, 0), (3, 511), (4, 511), (5, 0), (rng.randrange(2, 7), 511)):
        table = 512 * (fresh.pop() if fresh else rng.randrange(1, 7))
        inner = rng.sample(range(table + 1, table + 511), 6)
        pages = [*inner, table, table + 511]  # its edges; one is stored to last
        trace += [["change", 0, page] for page in pages if rng.random() < 0.5]
        for page in pages:
            trace.append(["touch", 0, page])
            if rng.random() < 0.4:
                trace.append(["change", 0, rng.choice(inner)])
        trace += [["change", 0, page] for page in (*inner[: stores - 1], table + edge)]
        trace += [["touch", 0, page] for page in pages]
    return trace


def small(rng: Random) -> list[list[Event]]:
    """Return a few events for each rule: whoever breaks it sees by which."""
    s, t = rng.sample(range(4), 2)
    p, q, r = rng.sample(range(512, 1024), 3)  # in one table
    touch, store, other = ["touch", s, p], ["change", s, q], ["change", s, p + 512]
    return [
        [touch], [touch, touch], [touch, ["switch", s], touch],
        [touch, ["switch", t], ["touch", t, p]], [touch, ["change", s, p], touch],
        [["change", s, p], touch], [touch, store, touch], [touch, other, touch],
        [touch, *[store] * 5, touch], [touch, *[store] * 2, touch, *[store] * 3],
        [touch, *[store] * 3, ["touch", s, r], *[store] * 3, touch],
    ]  # fmt: skip


def make(rng: Random) -> list[Play]:
    """Small traces, then long ones with few and many changes, and with floods."""
    traces = [*small(rng), workload(rng, [0, 1] * 3, 12, 0), workload(rng, [0, 1, 2] * 2, 6, 2),
              workload(rng, [0, 0, 1, 1], 5, 9),
              *(flooded(rng) for _ in range(4))]  # fmt: skip
    return [Play(trace, Model().play(trace)) for trace in traces]


def mistaken(switches: dict[str, Any]) -> Callable[[Play], list[int]]:
    """Return what a model with these switches counts."""
    return lambda play: [*Model(**switches).play(play.trace)]


def explain(got: list[int], play: Play) -> Verdict:
    """Say which of the three counts is wrong."""
    names = ("hidden", "synced", "stores")
    facts = {"trace": shown(play.trace)} | dict(zip(names, play.counts, strict=True))
    facts |= {f"got_{name}": n for name, n in zip(names, got, strict=True)}
    if sorted(got) == sorted(play.counts):
        return wrong("order", **facts)
    name = next(name for name in names if facts[name] != facts[f"got_{name}"])
    return wrong(f"count_{name}", **facts)


def shown(trace: list[Event]) -> str:
    """Return a small trace in full, the length of any other."""
    if len(trace) > 9:
        return f"{len(trace)} events"
    return ", ".join(f"{kind} {'/'.join(map(str, rest))}" for kind, *rest in trace)


def costs(plays: list[Play]) -> dict[str, int]:
    """Return the counts that the choice is about: of a quiet trace and of a busy one."""
    quiet, busy = plays[-7].counts, plays[-5].counts
    return {"hidden": quiet[0], "synced": quiet[1], "busy_hidden": busy[0],
            "busy_synced": busy[1], "busy_stores": busy[2]}  # fmt: skip


EXERCISE = Exercise(
    id="05.3", minutes=40, difficulty=2, points=4, make=make,
    form=Cases(
        call=lambda play: [play.trace],
        right=lambda play: [*play.counts],
        shape=[int, int, int],
        mistakes={key: mistaken(switches) for key, switches in MISTAKES.items()},
        explain=explain,
        choice="c",
        passed=costs,
    ),
    counterpart=lambda: SyncedShadowPaging,
)  # fmt: skip
