"""Exercise 16.2: write snapshot and clone, on the real microVM.

A seed makes a guest that keeps what it hears in memory and a sum of it in a register, and a plan:
what the parent hears before and after its snapshot, what two clones hear. What all of them are at
the end must be what machines are that heard the same from their start.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.asm import assemble
from minihv.cloud.micro import MicroVM
from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble
from minihv.devices.virt import Machine
from minihv.vmm import Host

MEMORY = 256 << 10
HOST = 16 << 20
SUM = 18  # s2
MOST_PAGES = 12  # of guest memory that a sensible snapshot of these guests holds; they touch 4

GUEST = """
        li    s0, 0x4442434e
        la    s1, buffer
        li    s3, {history:#x}          # where what was heard is kept
        li    t0, 1 << 9
        csrw  sie, t0
again:  mv    a7, s0
        li    a6, 1
        li    a0, 64
        mv    a1, s1
        li    a2, 0
        ecall
        beqz  a1, sleep
        mv    s4, a1
        li    t0, 0
copy:   add   t1, s1, t0
        lbu   t2, 0(t1)
        add   s2, s2, t2                # the sum
        sb    t2, 0(s3)
        addi  s3, s3, {stride}
        addi  t0, t0, 1
        bltu  t0, s4, copy
        mv    a0, s4
        mv    a1, s1
        li    a2, 0
        li    a6, 0
        mv    a7, s0
        ecall
        j     again
sleep:  wfi
        j     again
        .balign 8
buffer:
"""


@dataclass(frozen=True)
class Plan:
    """Who hears what, in order: before and after the snapshot, then the clones in turn."""

    history: int
    stride: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    one: tuple[str, ...]
    two: tuple[str, ...]
    late: tuple[str, ...]

    def image(self) -> bytes:
        """The guest."""
        return assemble(GUEST.format(history=self.history, stride=self.stride)).elf()


def facts_of(machine: Machine) -> dict[str, Any]:
    """What is compared: console, sum, pages that are not 0 with a digest of each."""
    pages = {}
    for frame in range(machine.memory.size // 4096):
        page = machine.memory.read(machine.memory.base + frame * 4096, 4096)
        if any(page):
            pages[str(frame)] = sum((n + 1) * byte for n, byte in enumerate(page))
    return {"console": machine.console.output.decode("latin-1"), "sum": machine.harts[0].x[SUM],
            "pages": pages, "instructions": machine.instructions}


def hear(machine: Machine, words: Any) -> None:
    """Let the guest hear and answer each word; one that went astray is left alone."""
    for word in words:
        if machine.exits["slice"]:  # it ran to the end of its budget
            return
        machine.feed(word.encode("latin-1"))
        machine.run(400)


def expected(plan: Plan) -> dict[str, dict[str, Any]]:
    """What each must be in the end: as if it had heard all of it alone."""
    wanted = {}
    for name, words in (("parent", plan.after), ("one", plan.one), ("two", plan.two),
                        ("late", plan.late)):
        vm = MicroVM(plan.image(), boot="s", memory=MEMORY, engine="python")
        vm.run(400)
        hear(vm, plan.before + words)
        wanted[name] = facts_of(vm)
    return wanted


def make(rng: Random) -> tuple[Plan, ...]:
    """Two plans."""
    def words(most: int) -> tuple[str, ...]:
        return tuple("".join(rng.choices("abcdefghij", k=rng.randint(3, 12)))
                     for _ in range(rng.randint(2, most)))

    return tuple(Plan(0x80000000 + (rng.randint(4, 20) << 12) + rng.randrange(4096),
                      rng.choice([1, 3, 40]), words(4), words(3), words(4), words(3), words(2))
                 for _ in range(2))


def ask(plans: tuple[Plan, ...]) -> list:
    """The plans."""
    return [[p.history, p.stride, list(p.before), list(p.after), list(p.one), list(p.two),
             list(p.late)] for p in plans]


def drive(take: Callable, copy: Callable, plan: Plan) -> dict[str, Any]:
    """Carry a plan out with the learner's functions."""
    host = Host(HOST, engine="python")
    parent = MicroVM(plan.image(), boot="s", memory=MEMORY, host=host)
    parent.run(400)
    hear(parent, plan.before)
    taken = take(parent)
    if taken is None:
        return {"snapshot": "None"}
    size = size_of(taken)
    hear(parent, plan.after)
    vms = {"parent": parent}
    for name in ("one", "two"):
        vms[name] = copy(taken, host)
        if not isinstance(vms[name], MicroVM):
            return {"clone": type(vms[name]).__name__}
    if len({id(vm) for vm in vms.values()}) < 3:
        return {"same": True}
    for k in range(max(len(plan.one), len(plan.two))):
        hear(vms["one"], plan.one[k : k + 1])
        hear(vms["two"], plan.two[k : k + 1])
    vms["late"] = copy(taken, host)
    hear(vms["late"], plan.late)
    return {"size": size, **{name: facts_of(vm) for name, vm in vms.items()}}


def size_of(taken: Any) -> int:
    """Bytes that a snapshot holds, as far as that can be said; 0 where it cannot."""
    try:
        return len(pickle.dumps(taken))
    except Exception:  # what the learner chose may not be picklable
        return 0


def put(call: Callable[..., list], answers: Any, asked: Any) -> list:
    """One outcome for each plan."""
    plans = [Plan(a[0], a[1], *(tuple(words) for words in a[2:])) for a in asked]
    return [call(drive, answers[0], answers[1], plan) for plan in plans]


def judge(outcomes: list, plans: tuple[Plan, ...]) -> Verdict:
    """The first plan whose machines are not what they should be, and who differs in what."""
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
        verdict = _compare(got, plan)
        if verdict is not None:
            return verdict
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
        return wrong("size", size=got["size"] >> 10, memory=MEMORY >> 10)
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


def counterpart() -> Any:
    """The package's own."""
    from minihv.cloud.micro import clone

    return clone
