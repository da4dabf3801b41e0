"""Exercise 15.1: id maps through several levels, and the rule of capabilities.

A seed makes a family of user namespaces and about a hundred questions, each of which turns on one
rule. The model kernel of minihv.containers, which agrees with Linux, knows the answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from types import SimpleNamespace
from typing import Any

from minihv.containers.model import NOBODY, Process, UserNamespace
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.course.shapes import Maybe

HOST = "host"
EVERY = (0, 0, 1 << 32)
# The order in which wrong answers are told: what others build on comes first.
RULES = ("host", "one_level", "one_level_only", "levels", "extent", "last", "unmapped", "nobody",
         "not_nobody", "own", "lacks", "zero", "below", "owner", "owner_below", "owner_inside",
         "owner_far", "above", "beside")
SOME_CAPS = ("CHOWN", "KILL", "NET_ADMIN", "SETUID", "SYS_ADMIN", "SYS_CHROOT")


@dataclass(frozen=True)
class Space:
    """A user namespace as the learner gets it: `uid_map` speaks of ids one level up."""

    parent: str | None
    owner: int                                  # host uid of whoever made it
    uid_map: tuple[tuple[int, int, int], ...]   # (first inside, first in the parent, count)


@dataclass(frozen=True)
class Case:
    """One question, the rule that it turns on, and the model's answer."""

    what: str                   # to_host, seen_as or capable
    rule: str
    arguments: tuple[Any, ...]
    answer: Any = None
    once: int | None = None     # what to_host would say after one level

    def __str__(self) -> str:
        return f"{self.what}(spaces, {', '.join(map(repr, self.arguments))})"


@dataclass(frozen=True)
class Family:
    """The namespaces and the questions about them."""

    spaces: dict[str, Space]
    cases: tuple[Case, ...]

    def __str__(self) -> str:
        lines = []
        for name, space in self.spaces.items():
            maps = ", ".join(f"{a} is {b} there, {n} of them" for a, b, n in space.uid_map)
            lines.append(f"{name:8} below {space.parent or '-':8} made by {space.owner:<7} "
                         f"{maps if space.parent else 'every id is itself'}")
        return "\n".join(lines)


def make(rng: Random) -> Family:
    """Return two branches, one of them two levels deep, and the questions in random order."""
    low, high = rng.randrange(100, 5000) * 100, rng.randrange(6000, 9000) * 100
    gap = rng.randrange(5, 40)
    owner, other = rng.randrange(1000, 1100), rng.randrange(1100, 1200)
    inner = low + gap + rng.randrange(10, 20)
    spaces = {
        HOST: Space(None, 0, (EVERY,)),
        "shop": Space(HOST, owner, ((0, low, 100 + gap), (1000, high, 50))),
        "bank": Space(HOST, other, ((0, other, 1),)),
        "till": Space("shop", inner, ((0, 10 + gap, 20), (500, 1010, 5))),
        "drawer": Space("till", low + 10 + gap, ((0, 3, 4),)),
    }
    real = model_of(spaces)
    cases = [*_translations(spaces, real, rng), *_rights(spaces, rng)]
    rng.shuffle(cases)
    return Family(spaces, tuple(_answered(case, spaces, real) for case in cases))


def model_of(spaces: dict[str, Space]) -> dict[str, UserNamespace]:
    """Return the same namespaces in the model, whose maps speak of host ids."""
    real: dict[str, UserNamespace] = {}
    for name, space in spaces.items():
        above = real[space.parent] if space.parent else None
        real[name] = made = UserNamespace(above, space.owner)
        for inside, outside, count in space.uid_map:
            kuid = above.to_kernel(outside) if above else outside
            if kuid is not None:
                made.uid_map.append((inside, kuid, count))
    return real


def _answered(case: Case, spaces: dict[str, Space], real: dict[str, UserNamespace]) -> Case:
    """Return the case with what the model says."""
    if case.what == "to_host":
        name, uid = case.arguments
        once = [b + uid - a for a, b, n in spaces[name].uid_map if a <= uid < a + n]
        return replace(case, answer=real[name].to_kernel(uid), once=once[0] if once else None)
    if case.what == "seen_as":
        name, kuid = case.arguments
        seen = real[name].from_kernel(kuid)
        return replace(case, answer=NOBODY if seen is None else seen)
    process, target, cap = case.arguments
    who: Any = SimpleNamespace(ns={"user": real[process["space"]]}, kuid=process["uid"],
                               caps=frozenset(process["caps"]))
    return replace(case, answer=Process.capable(who, real[target], cap))


def _translations(spaces: dict[str, Space], real: dict[str, UserNamespace],
                  rng: Random) -> list[Case]:
    """Ids at the edges and inside of every extent, and some that no map has."""
    cases = [Case("to_host", "host", (HOST, rng.randrange(70000))),
             Case("seen_as", "host", (HOST, rng.randrange(70000)))]
    for name, space in spaces.items():
        if name == HOST:
            continue
        deep = "one_level" if space.parent == HOST else "levels"
        for n, (inside, _, count) in enumerate(space.uid_map):
            rule = "extent" if n else deep
            within = [inside, inside + rng.randrange(count - 1)] if count > 1 else []
            for uid, why in (*((uid, rule) for uid in within), (inside + count - 1, "last"),
                             (inside + count, "unmapped")):
                kuid = real[name].to_kernel(uid)
                cases.append(Case("to_host", why if kuid is not None else "unmapped", (name, uid)))
                if kuid is not None:
                    cases.append(Case("seen_as", why, (name, kuid)))
        ends = [real[name].to_kernel(a + n - 1) for a, _, n in space.uid_map]  # and one above
        above = [kuid + 1 for kuid in ends if kuid is not None]
        cases += [Case("seen_as", "nobody", (name, kuid)) for kuid in (0, 77, 1 << 20, *above)]
    return cases


def _rights(spaces: dict[str, Space], rng: Random) -> list[Case]:
    """Who may do what where: one case at least for each rule."""
    def of(space: str, uid: int, *caps: str) -> dict[str, Any]:
        return {"space": space, "uid": uid, "caps": sorted(caps)}

    cap, other = rng.sample(SOME_CAPS, 2)
    shop, till, drawer = (spaces[name].owner for name in ("shop", "till", "drawer"))
    rest = [c for c in SOME_CAPS if c != cap]
    rows = [
        ("own", of("shop", 5, cap), "shop", cap), ("own", of(HOST, 0, *SOME_CAPS), HOST, cap),
        ("lacks", of("shop", 5, *rest), "shop", cap), ("lacks", of(HOST, 7, other), HOST, cap),
        ("lacks", of(HOST, 3, *rest), "bank", cap),
        ("zero", of("shop", 0, *rest), "till", cap),
        ("below", of(HOST, 7, cap), "drawer", cap), ("below", of("shop", 9, cap), "till", cap),
        ("below", of("till", 9, cap), "drawer", cap), ("below", of(HOST, 7, cap), "bank", cap),
        ("owner", of(HOST, shop), "shop", cap), ("owner", of("shop", till), "till", other),
        ("owner", of("till", drawer, other), "drawer", cap),
        ("owner_below", of(HOST, shop), "till", cap),
        ("owner_below", of(HOST, shop), "drawer", cap),
        ("owner_below", of("shop", till), "drawer", cap),
        ("owner_inside", of("shop", shop), "shop", cap),
        ("owner_inside", of("till", till, other), "till", cap),
        ("owner_far", of(HOST, till), "till", cap), ("owner_far", of(HOST, drawer), "drawer", cap),
        ("above", of("shop", 0, *SOME_CAPS), HOST, cap),
        ("above", of("drawer", 0, *SOME_CAPS), "shop", cap),
        ("above", of("till", till, *SOME_CAPS), "shop", cap),
        ("beside", of("bank", 0, *SOME_CAPS), "shop", cap),
        ("beside", of("bank", 0, *SOME_CAPS), "drawer", cap),
        ("beside", of("till", 0, *SOME_CAPS), "bank", cap),
    ]
    return [Case("capable", rule, (process, target, c)) for rule, process, target, c in rows]


def explain(got: Any, case: Case) -> Verdict:
    """Name the rule that a question was answered wrong by."""
    return wrong(_named(case, got), got=repr(got))


def _named(case: Case, got: Any) -> str:
    """Some answers betray how they were found."""
    if case.what == "to_host" and got is not None:
        return "one_level_only" if got == case.once else case.rule
    return "not_nobody" if case.what == "seen_as" and case.answer == NOBODY else case.rule


def plain(spaces: dict[str, Space]) -> dict[str, Any]:
    """Return the namespaces as the learner's functions get them."""
    return {name: {"parent": s.parent, "owner": s.owner, "uid_map": [list(e) for e in s.uid_map]}
            for name, s in spaces.items()}  # fmt: skip


EXERCISE = Exercise(
    id="15.1", minutes=40, difficulty=2, points=5, make=make,
    form=Cases(
        of=lambda family: family.cases,
        world=lambda family: {"spaces": plain(family.spaces)},
        call=lambda case: [case.what, *case.arguments],
        right=lambda case: case.answer,
        shape=lambda case: bool if case.what == "capable" else Maybe(int),
        facts=lambda case: {"asked": str(case), "expected": repr(case.answer)},
        explain=explain,
        order=RULES,
    ),
)  # fmt: skip
