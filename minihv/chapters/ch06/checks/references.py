"""Exercise 06.2: how many page-table entries a miss reads in a given configuration."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, wrong
from minihv.course.texts import say
from minihv.hw import mmu

# (levels of the guest's tables, level of its leaf, levels of the host's, level of the leaf that
# maps the guest's page tables, level of the leaf that maps the page); 0 levels: that stage is off.
Config = tuple[int, int, int, int, int]


def references(guest: int, leaf: int, host: int, tables: int, page: int) -> int:
    """Return the references: each PTE of the guest is found and read, then the page is found."""
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


def facts(config: Config) -> dict[str, Any]:
    """Return what sentences say about a configuration."""
    parts = dict(zip(("guest", "leaf", "host", "tables", "page"), config, strict=True))
    return parts | {"asked": say("06.2", "asked", **parts)}


def mistaken(mistake: Callable[..., int]) -> Callable[[Config], int]:
    """Return what a mistake counts for a configuration."""
    return lambda config: mistake(*config)


EXERCISE = Exercise(
    id="06.2", minutes=20, difficulty=1, points=3, make=make,
    form=Cases(
        call=lambda config: config,
        right=lambda config: references(*config),
        shape=int,
        mistakes={key: mistaken(mistake) for key, mistake in MISTAKES.items()},
        facts=facts,
        explain=lambda got, config: wrong("count", got=got, expected=references(*config)),
    ),
    counterpart=lambda: mmu.walk_guest,  # whose reads `hart.walk_reads` counts
)  # fmt: skip
