"""Exercise 16.2: write snapshot and clone, on the real microVM.

A seed makes a guest and a plan: what the parent hears before and after its snapshot, what its
clones hear. What all of them are at the end must be what machines are that heard the same from
their start.
"""

from __future__ import annotations

from random import Random
from typing import Any

from minihv.chapters.ch16.beside.plans import Plan, facts_of, hear
from minihv.cloud import micro
from minihv.course.exercise import Exercise, Steps, Verdict, wrong
from minihv.course.verdicts import trouble

MOST_PAGES = 12  # of guest memory that a sensible snapshot of these guests holds; they touch 4


def expected(plan: Plan) -> dict[str, dict[str, Any]]:
    """Return what each must be in the end: as if it had heard all of it alone."""
    wanted = {}
    for name, words in (("parent", plan.after), ("one", plan.one), ("two", plan.two),
                        ("late", plan.late)):
        vm = micro.MicroVM(plan.image(), boot="s", memory=plan.memory, engine="python")
        vm.run(400)
        hear(vm, plan.before + words)
        wanted[name] = facts_of(vm)
    return wanted


def make(rng: Random) -> tuple[Plan, ...]:
    """Return two plans, for VMs of different sizes."""
    def words(most: int) -> tuple[str, ...]:
        return tuple("".join(rng.choices("abcdefghij", k=rng.randint(3, 12)))
                     for _ in range(rng.randint(2, most)))

    return tuple(Plan(memory << 10, 0x80000000 + (rng.randint(4, 20) << 12) + rng.randrange(4096),
                      rng.choice([1, 3, 40]), words(4), words(3), words(4), words(3), words(2))
                 for memory in rng.sample((256, 320, 384), 2))


def ask(plans: tuple[Plan, ...]) -> list:
    """Return the plans."""
    return [[p.memory, p.history, p.stride, list(p.before), list(p.after), list(p.one), list(p.two),
             list(p.late)] for p in plans]


def judge(outcomes: list, plans: tuple[Plan, ...]) -> Verdict:
    """Return the first plan whose machines are not what they should be, and who differs in what."""
    if len(outcomes) != len(plans):
        return wrong("handback")
    for outcome, plan in zip(outcomes, plans, strict=True):
        bad = trouble(outcome)
        if bad is not None:
            return bad
        got = outcome[1]
        if type(got) is not dict:
            return wrong("handback")
        if "snapshot" in got:
            return wrong("no_snapshot")
        if "clone" in got:
            return wrong("no_clone", got=str(got["clone"])[:60])
        if "same" in got:
            return wrong("same")
        if "elsewhere" in got:
            return wrong("other_host")
        different = _compare(got, plan)
        if different is not None:
            return different
        if got.get("early"):
            return wrong("restored_first")
    return Verdict(True, "passed", {"count": len(plans)})


def _compare(got: dict[str, Any], plan: Plan) -> Verdict | None:
    if not {"parent", "one", "two", "late", "size"} <= set(got):
        return wrong("handback")
    before = "".join(plan.before)
    for name, wanted in expected(plan).items():
        found = got[name]
        if type(found) is not dict or set(found) != set(wanted) or type(found["pages"]) is not dict:
            return wrong("handback")
        facts = {"who": name, "got": str(found["console"])[:60], "wanted": wanted["console"][:60],
                 "sum": found["sum"], "wanted_sum": wanted["sum"]}  # fmt: skip
        if found == wanted:
            continue
        if name == "parent":
            return wrong("parent", **facts)
        if found | {"memory": wanted["memory"]} == wanted:
            return wrong("memory_size", has=str(found["memory"])[:20], memory=wanted["memory"])
        if not found["pages"]:
            return wrong("no_memory", **facts)
        if found["instructions"] == 0 or (found["console"] == "" and found["sum"] == 0):
            return wrong("no_state", **facts)
        if found["console"] == wanted["console"] and found["sum"] == wanted["sum"]:
            return _pages(found["pages"], wanted["pages"], facts)
        if str(found["console"]).startswith(before + "".join(plan.after)):
            return wrong("too_late", **facts)
        if name == "late" and str(found["console"]) != wanted["console"]:
            return wrong("snapshot_changed", **facts)
        return wrong("console", **facts)
    if type(got["size"]) is int and got["size"] > MOST_PAGES * 4096 + (128 << 10):
        return wrong("size", size=got["size"] >> 10, memory=plan.memory >> 10)
    return None


def _pages(found: dict[str, Any], wanted: dict[str, Any], facts: dict[str, Any]) -> Verdict:
    """Console and registers are right, and memory is not."""
    lacking = sorted(set(wanted) - set(found), key=int)
    if lacking:
        return wrong("page_lacks", frame=lacking[0], **facts)
    extra = sorted(set(found) - set(wanted), key=str)
    if extra:
        return wrong("page_extra", frame=extra[0], **facts)
    frame = next((f for f in wanted if found[f] != wanted[f]), "?")
    return wrong("page_differs" if frame != "?" else "clock", frame=frame, **facts)


EXERCISE = Exercise(
    id="16.2", minutes=40, difficulty=3, points=5, make=make,
    form=Steps(ask, judge),
    counterpart=lambda: micro.clone,
)  # fmt: skip
