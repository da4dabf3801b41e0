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

from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble
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
        """A store to the PTE of `entry`; whether it exits."""
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


MISTAKES: dict[str, Callable[[], Model]] = {
    "own_space": lambda: Model(all_spaces=False),
    "stale": lambda: Model(change_drops=False),
    "unwalked": lambda: Model(protects=False),
    "no_flood": lambda: Model(flood=1 << 30),
    "flood_early": lambda: Model(flood=FLOOD - 1),
    "flood_late": lambda: Model(flood=FLOOD + 1),
    "no_reset": lambda: Model(reset=False),
    "free_keeps": lambda: Model(frees=False),
}
CHOICES = ("a", "b", "c", "d")
RIGHT = "c"


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
    for _ in range(6):
        table = 512 * rng.randrange(1, 4)
        pages = rng.sample(range(table, table + 512), rng.randrange(4, 9))
        trace += [["change", 0, page] for page in pages if rng.random() < 0.5]
        for page in pages:
            trace.append(["touch", 0, page])
            if rng.random() < 0.4:
                trace.append(["change", 0, rng.choice(pages)])
        trace += [["change", 0, page] for page in pages[: rng.randrange(2, len(pages))]]
        trace += [["touch", 0, page] for page in pages]
    return trace


def make(rng: Random) -> list[Play]:
    """Traces with few and many changes, and with floods."""
    traces = [workload(rng, [0, 1] * 3, 12, 0), workload(rng, [0, 1, 2] * 2, 6, 2),
              workload(rng, [0, 0, 1, 1], 5, 9),
              *(flooded(rng) for _ in range(4))]  # fmt: skip
    return [Play(trace, Model().play(trace)) for trace in traces]


def ask(plays: list[Play]) -> list:
    """The traces."""
    return [play.trace for play in plays]


def put(call: Any, answers: Any, asked: Any) -> list:
    """One outcome for each trace, and the choice."""
    from minihv.course.answers import value

    outcomes = [call(answers[0], [tuple(event) for event in trace]) for trace in asked]
    return [*outcomes, value(answers[1])]


def judge(outcomes: list, plays: list[Play]) -> Verdict:
    """The first count that is wrong, then the choice."""
    if len(outcomes) != len(plays) + 1:
        return wrong("handback")
    counts: list[Counts] = []
    for outcome in outcomes[:-1]:
        bad = trouble(outcome)
        if bad is not None:
            return wrong("unsolved_at", asked="count_exits") if bad.key == "unsolved" else bad
        got = outcome[1]
        if type(got) is not list or [type(n) for n in got] != [int] * 3:
            return wrong("shape", got=repr(got)[:60])
        counts.append((got[0], got[1], got[2]))
    for number, (counted, played) in enumerate(zip(counts, plays, strict=True), 1):
        if counted != played.counts:
            return _explain(number, counted, played, _mistakes(counts, plays))
    return _choice(outcomes[-1], plays)


def _mistakes(counts: list[Counts], plays: list[Play]) -> list[str]:
    """The mistakes that explain all traces."""
    return [name for name, model in MISTAKES.items()
            if all(got == model().play(play.trace)
                   for got, play in zip(counts, plays, strict=True))]  # fmt: skip


def _explain(number: int, got: Counts, played: Play, mistakes: list[str]) -> Verdict:
    facts = {"number": number, "events": len(played.trace)}
    names = ("hidden", "synced", "stores")
    facts |= {f"got_{name}": n for name, n in zip(names, got, strict=True)}
    facts |= dict(zip(names, played.counts, strict=True))
    if sorted(got) == sorted(played.counts):
        return wrong("order", **facts)
    if mistakes:
        return wrong(mistakes[0], **facts)
    keys = ("count_hidden", "count_synced", "count_stores")
    key = next(key for key, a, b in zip(keys, got, played.counts, strict=True) if a != b)
    return wrong(key, **facts)


def _choice(outcome: list, plays: list[Play]) -> Verdict:
    facts = {"hidden": plays[0].counts[0], "synced": plays[0].counts[1],
             "busy_hidden": plays[2].counts[0], "busy_synced": plays[2].counts[1],
             "busy_stores": plays[2].counts[2]}  # fmt: skip
    choice = outcome[1] if outcome[0] == "value" else None
    if choice == RIGHT:
        return Verdict(True, "passed", facts)
    return wrong(f"choice_{choice}" if choice in CHOICES else "no_choice", **facts)


def counterpart() -> type:
    """The package's protecting policy."""
    return SyncedShadowPaging


def play(plays: list[Play]) -> list[Play]:
    """All traces with their counts."""
    return plays
