"""Exercise 15.1: id maps through several levels, and the rule of capabilities.

A seed makes a family of user namespaces and about a hundred questions, each of which turns on one
rule. The model kernel of minihv.containers, which agrees with Linux, knows the answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from typing import Any

from minihv.containers.model import NOBODY, Process, UserNamespace
from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble

HOST = "host"
EVERY = (0, 0, 1 << 32)
# The order in which wrong answers are told: what others build on comes first.
RULES = ("host", "one_level", "levels", "extent", "last", "unmapped", "nobody", "own", "lacks",
         "zero", "below", "owner", "owner_below", "owner_inside", "owner_far", "above", "beside")
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
    """Two branches, one of them two levels deep, and the questions in random order."""
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
    return Family(spaces, tuple(_answered(case, real) for case in cases))


def model_of(spaces: dict[str, Space]) -> dict[str, UserNamespace]:
    """The same namespaces in the model, whose maps speak of host ids."""
    real: dict[str, UserNamespace] = {}
    for name, space in spaces.items():
        above = real[space.parent] if space.parent else None
        real[name] = made = UserNamespace(above, space.owner)
        for inside, outside, count in space.uid_map:
            kuid = above.to_kernel(outside) if above else outside
            if kuid is not None:
                made.uid_map.append((inside, kuid, count))
    return real


def _answered(case: Case, real: dict[str, UserNamespace]) -> Case:
    """The case with what the model says."""
    if case.what == "to_host":
        name, uid = case.arguments
        return Case(case.what, case.rule, case.arguments, real[name].to_kernel(uid))
    if case.what == "seen_as":
        name, kuid = case.arguments
        seen = real[name].from_kernel(kuid)
        return Case(case.what, case.rule, case.arguments, NOBODY if seen is None else seen)
    process, target, cap = case.arguments
    who: Any = SimpleNamespace(ns={"user": real[process["space"]]}, kuid=process["uid"],
                               caps=frozenset(process["caps"]))
    return Case(case.what, case.rule, case.arguments, Process.capable(who, real[target], cap))


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
        cases += [Case("seen_as", "nobody", (name, kuid)) for kuid in (0, 77, 1 << 20)]
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


def ask(family: Family) -> Any:
    """The namespaces and the questions."""
    spaces = {name: {"parent": s.parent, "owner": s.owner, "uid_map": [list(e) for e in s.uid_map]}
              for name, s in family.spaces.items()}
    return {"spaces": spaces, "cases": [[c.what, list(c.arguments)] for c in family.cases]}


def put(call: Any, answers: Any, asked: Any) -> list:
    """An outcome for each question."""
    by_name: dict[str, Callable] = dict(zip(("to_host", "seen_as", "capable"), answers,
                                            strict=True))
    return [call(by_name[what], asked["spaces"], *arguments)
            for what, arguments in asked["cases"]]


def judge(outcomes: list, family: Family) -> Verdict:
    """The first rule that a question was answered wrong by."""
    if len(outcomes) != len(family.cases):
        return wrong("handback")
    pairs = sorted(zip(family.cases, outcomes, strict=True),
                   key=lambda pair: RULES.index(pair[0].rule))
    for case, outcome in pairs:
        facts = {"asked": str(case), "expected": repr(case.answer)}
        bad = trouble(outcome)
        if bad is not None:
            known = bad.key in ("error", "odd")
            return wrong(f"{bad.key}_at", **bad.values, **facts) if known else bad
        got = outcome[1]
        if type(got) not in ((int, type(None)) if case.what != "capable" else (bool,)):
            return wrong("kind", got=repr(got)[:60], **facts)
        if got != case.answer:
            return wrong(_named(case, got, family.spaces), got=repr(got), **facts)
    return Verdict(True, "passed", {"count": len(family.cases)})


def _named(case: Case, got: Any, spaces: dict[str, Space]) -> str:
    """Some answers betray how they were found."""
    if case.what == "to_host" and got is not None:
        name, uid = case.arguments
        once = [b + uid - a for a, b, n in spaces[name].uid_map if a <= uid < a + n]
        return "one_level_only" if [got] == once else case.rule
    return "not_nobody" if case.what == "seen_as" and case.answer == NOBODY else case.rule
