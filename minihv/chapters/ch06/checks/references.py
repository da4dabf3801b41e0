"""Exercise 06.2: how many page-table entries a miss reads in a given configuration."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from minihv.course.exercise import Verdict, wrong
from minihv.course.texts import say
from minihv.course.verdicts import trouble
from minihv.hw import mmu

# (levels of the guest's tables, level of its leaf, levels of the host's, level of the leaf that
# maps the guest's page tables, level of the leaf that maps the page); 0 levels: that stage is off.
Config = tuple[int, int, int, int, int]


def references(guest: int, leaf: int, host: int, tables: int, page: int) -> int:
    """Each PTE of the guest is found and read; then the page is found."""
    if guest == 0:
        return max(host - page, 0) if host else 0
    own = guest - leaf
    if host == 0:
        return own
    return own * (host - tables + 1) + host - page


MISTAKES: dict[str, Callable[..., int]] = {
    "added": lambda g, a, h, t, p: (g - a if g else 0) + (h - p if h else 0),
    "no_page": lambda g, a, h, t, p: (g - a) * (h - t + 1) if g and h else
    references(g, a, h, t, p),
    "no_own": lambda g, a, h, t, p: (g - a) * (h - t) + h - p if g and h else
    references(g, a, h, t, p),
    "access": lambda g, a, h, t, p: references(g, a, h, t, p) + 1,
    "one_size": lambda g, a, h, t, p: references(g, a, h, p, p),
    "no_leaf": lambda g, a, h, t, p: references(g, 0, h, 0, 0),
}


def make(rng: Random) -> list[Config]:
    """Configurations of all kinds: 3 to 5 levels, superpages in either stage, stages off."""
    configs: list[Config] = [(3, 0, 3, 0, 0), (4, 0, 4, 0, 0), (3, 1, 3, 0, 0), (3, 0, 0, 0, 0)]
    for _ in range(12):
        guest, host = rng.choice((3, 4, 5)), rng.choice((3, 4, 5))
        tables, page = rng.sample(range(3), 2)
        configs.append((guest, rng.randrange(3), host, tables, page))
    configs.append((0, 0, 4, 0, rng.randrange(2)))
    configs.append((5, 0, 5, 0, 0))
    return configs


def ask(configs: list[Config]) -> list:
    """The configurations."""
    return [list(config) for config in configs]


def put(call: Any, answers: Any, asked: Any) -> list:
    """One outcome for each."""
    return [call(answers[0], *config) for config in asked]


def judge(outcomes: list, configs: list[Config]) -> Verdict:
    """The first configuration that was miscounted, and the mistake that explains all counts."""
    if len(outcomes) != len(configs):
        return wrong("handback")
    counts: list[int] = []
    for outcome, config in zip(outcomes, configs, strict=True):
        bad = trouble(outcome)
        if bad is not None:
            asked = say("06.2", "asked", **_facts(config))
            return bad if bad.key == "late" else wrong(f"{bad.key}_at", **bad.values, asked=asked)
        if type(outcome[1]) is not int:
            return wrong("shape", got=repr(outcome[1])[:60])
        counts.append(outcome[1])
    for config, got in zip(configs, counts, strict=True):
        if got != references(*config):
            keys = [key for key, mistake in MISTAKES.items() if all(
                n == mistake(*c) for n, c in zip(counts, configs, strict=True))]  # fmt: skip
            facts = _facts(config) | {"got": got, "expected": references(*config)}
            return wrong(keys[0] if keys else "count", asked=say("06.2", "asked", **facts), **facts)
    return Verdict(True, "passed", {"count": len(configs)})


def _facts(config: Config) -> dict[str, Any]:
    return dict(zip(("guest", "leaf", "host", "tables", "page"), config, strict=True))


def counterpart() -> Callable:
    """The machine's walk, whose reads `hart.walk_reads` counts."""
    return mmu.walk_guest


def play(configs: list[Config]) -> list[Config]:
    """The configurations."""
    return configs
