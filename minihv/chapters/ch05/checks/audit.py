"""Exercise 05.2: the log of a shadow pager in which something may go wrong; find the first place.

The logs are those of the package's own pager, driven by random accesses and fences over a guest's
page tables. In most of them a subclass plants a fault; some are clean.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.chapters.ch01 import pages
from minihv.chapters.ch05.checks.entry import Case
from minihv.chapters.ch05.checks.pagers import CLEAN, FAULTS, Entry, Event, Recorder
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.course.shapes import Maybe
from minihv.hw import state as st
from minihv.hw.system import SFENCE_VMA
from minihv.vmm import VM, ShadowPaging

RAM, BASE = 2 << 20, st.RAM_BASE
SV39 = 8 << 60
USER_SPACES = (1, 2)  # their ASIDs
EARLIEST, LATEST, MORE = 4, 70, 14  # when the first wrong event may come; most that follow it
SOFTWARE = 0x300


# --- the guest ----------------------------------------------------------------------------------


class Guest:
    """Two address spaces in a small VM, and somebody who uses them at random."""

    def __init__(self, rng: Random, paging: Recorder):
        self.rng, self.paging = rng, paging
        self.vm = VM(paging=paging, memory=RAM, engine="python")
        self.vcpu: Any = self.vm.harts[0]
        self.vcpu.own_machine_mode()
        self.free = iter(range(BASE + 0x10000, BASE + RAM, 4096))
        self.roots = {asid: next(self.free) for asid in USER_SPACES}
        self.pages = {asid: self._map(asid) for asid in USER_SPACES}
        self.enter()

    def _map(self, asid: int) -> list[int]:
        """Return random pages of every kind in one space; their addresses."""
        rng, made = self.rng, []
        kinds = ("vrwu", "vrwu", "vrw", "vrw", "vxu", "vx", "vrxu", "vru", "vrwxu")
        region = [rng.randrange(4) for _ in kinds]
        for n, kind in enumerate(kinds):
            gva = 1 << 30 | n << 12 | region[n & ~1] << 21  # two by two they are neighbours
            self._write(asid, gva, rng.randrange(BASE >> 12, BASE + RAM >> 12), kind, 0)
            made.append(gva)
        for n, kind in enumerate(("vrwu", "vrwx", "vxu")):  # superpages
            gva = 2 << 30 | n << 21
            self._write(asid, gva, BASE >> 12, kind, 1)
            made += [gva + (rng.randrange(RAM >> 12) << 12) for _ in range(3)]
        return made

    def _write(self, asid: int, gva: int, ppn: int, kind: str, level: int) -> None:
        table = self.roots[asid]
        for above in range(2, level, -1):
            at = table + 8 * (gva >> 12 + 9 * above & 511)
            if not self.vm.memory.read_u64(at):
                self._store(at, next(self.free) >> 12 << 10 | pages.V)
            table = pages.target(self.vm.memory.read_u64(at))
        bits = sum(1 << pages.FLAGS.index(letter) for letter in kind)
        self._store(table + 8 * (gva >> 12 + 9 * level & 511), ppn << 10 | bits)

    def _store(self, at: int, pte: int) -> None:
        self.vm.memory.write(at, pte.to_bytes(8, "little"))

    def enter(self) -> None:
        """Another space, mode, SUM and MXR."""
        s, rng = self.vcpu.s, self.rng
        self.asid = rng.choice(USER_SPACES)
        s[st.SATP] = (SV39 | self.asid << 44 | self.roots[self.asid] >> 12) - (1 << 64)
        s[st.PRIV] = rng.randrange(2)
        s[st.MSTATUS] &= ~(st.SUM | st.MXR)
        s[st.MSTATUS] |= rng.randrange(2) * st.SUM | rng.randrange(2) * st.MXR

    def access(self, page: int = 0) -> None:
        """One access, which fills an entry if it is a hidden fault."""
        vcpu, paging = self.vcpu, self.paging
        access = st.READ if page else self.rng.choice((st.READ, st.READ, st.WRITE, st.FETCH))
        gva = (page or self.rng.choice(self.pages[self.asid])) + 8 * self.rng.randrange(512)
        vcpu.begin()
        paging.enter(vcpu, self.vm.physical)
        have = paging.tables[paging.key].entry(gva)  # type: ignore[index]
        if have & pages.U and have & access << 1:
            return
        gpa = paging.guest_walk(vcpu, gva, access)
        if not vcpu.s[st.EXIT] and paging.obstacle(vcpu, gva, gpa, access) is None:
            paging.fill(vcpu, gva, gpa)

    def fence(self) -> None:
        """One fence of any kind."""
        rng = self.rng
        page, space = rng.random() < 0.6, rng.random() < 0.5
        gva = rng.choice([gva for _, _, gva, _ in self.paging.entries()] or [1 << 30])
        word = SFENCE_VMA << 25 | 0x73 | page * (10 << 15) | space * (11 << 20)
        self.paging.fence_instruction(word, gva, rng.choice(USER_SPACES) if space else 0)

    def neighbours(self) -> None:
        """Fences of a page and of a superpage that must spare the next one, which is filled."""
        s, small, large = self.vcpu.s, self.pages[self.asid][0], self.pages[self.asid][9]
        for first, second, priv in ((small, small + 4096, 0), (large, large + (1 << 21), 1)):
            s[st.MSTATUS] &= ~(st.SUM | st.MXR)
            s[st.PRIV] = 0
            self.access(first)
            s[st.PRIV] = priv
            self.access(second)
            word = SFENCE_VMA << 25 | 0x73 | 10 << 15
            self.paging.fence_instruction(word, first, 0)

    def both_modes(self) -> None:
        """A fence of a page that user and kernel have filled."""
        s, page = self.vcpu.s, self.pages[self.asid][0]
        s[st.MSTATUS] |= st.SUM
        for priv in self.rng.sample((0, 1), 2):
            s[st.PRIV] = priv
            self.access(page)
        word = SFENCE_VMA << 25 | 0x73 | 10 << 15 | 11 << 20
        self.paging.fence_instruction(word, page, self.asid)

    def act(self) -> None:
        """Do something."""
        dice = self.rng.random()
        if dice < 0.25:
            self.enter()
        elif dice < 0.78 or not self.paging.log:
            self.access()
        else:
            self.fence()


# --- what is right ------------------------------------------------------------------------------


def right_entry(event: Event, offset: int) -> int:
    """Return the entry that a fill should have written."""
    return Case("", event["pte"], event["level"], event["gva"], offset, event["priv"],
                event["sum"], event["mxr"], False).entry  # fmt: skip


def must_go(entry: Entry, fence: Event) -> bool:
    """Tell if a fence makes this entry stale."""
    space, _, gva, level = entry
    if fence["space"] is not None and fence["space"] != space:
        return False
    return fence["gva"] is None or fence["gva"] >> 12 + 9 * level == gva >> 12 + 9 * level


def is_wrong(event: Event, offset: int) -> bool:
    """Tell if the pager did this wrong. A fence may forget more than it must."""
    if event["do"] == "fill":
        return event["entry"] & ~SOFTWARE != right_entry(event, offset)
    return any(must_go(entry, event) and entry in event["left"] for entry in event["there"])


def first_wrong(events: list[Event], offset: int) -> int | None:
    """Return the number of the first wrong event; None in a clean log."""
    return next((n for n, event in enumerate(events) if is_wrong(event, offset)), None)


def telling(fault: str, event: Event) -> bool:
    """Tell if a wrong event is wrong for this fault's reason alone, so that nobody is lucky."""
    if event["do"] == "fill":
        return True
    left = [entry for entry in event["left"] if must_go(entry, event)]
    gone = [entry for entry in event["there"] if entry not in event["left"]]
    if fault == "deaf_pages":
        return event["space"] is None
    if fault == "deaf_spaces":
        return event["gva"] is None
    if fault == "one_piece":  # all that is left is in the other half of the superpage
        return all((entry[2] ^ event["gva"]) >> 20 & 1 for entry in left)
    if fault == "one_mode" and event["space"] is None:
        return False  # that might be one_space
    which = {"one_mode": 1, "one_space": 0}[fault]
    return bool(gone) and not {one[which] for one in left} & {one[which] for one in gone}


@dataclass(frozen=True)
class Log:
    """What a pager did; `fault` and `wrong` are the answer."""

    events: list[Event]
    offset: int
    fault: str
    wrong: int | None


def record(rng: Random, fault: str) -> Log:
    """Return the log of a pager with this fault, or of a clean one."""
    while True:
        guest = Guest(rng, (FAULTS | CLEAN)[fault]())
        log, offset = guest.paging.log, guest.vm.memory.offset
        faulty, found = fault in FAULTS, None
        enough = LATEST if faulty else rng.randrange(20, 40)
        directed = rng.randrange(EARLIEST, 20)  # rare by chance: from here on it is made to happen
        while len(log) < enough and found is None:
            checked = len(log)
            if fault == "one_mode" and checked >= directed:
                guest.both_modes()
            else:
                guest.act()
            found = next((n for n in range(checked, len(log)) if is_wrong(log[n], offset)), None)
        if faulty and (found is None or found < EARLIEST or not telling(fault, log[found])):
            continue
        if not faulty:
            guest.neighbours()
        goal = len(log) + (rng.randrange(1, MORE) if faulty else 0)
        while len(log) < goal:
            guest.act()
        return Log(list(log), offset, fault, found)


def make(rng: Random) -> list[Log]:
    """Return a log for each fault and two clean ones."""
    faults = [*FAULTS, *CLEAN]
    rng.shuffle(faults)
    return [record(rng, fault) for fault in faults]


def explain(got: int | None, log: Log) -> Verdict:
    """Say why the event that was named is right, or else what is wrong in the log."""
    if got is not None and 0 <= got < len(log.events) and not is_wrong(log.events[got], log.offset):
        event = log.events[got]
        page = "any" if event["gva"] is None else hex(event["gva"])
        space = "any" if event["space"] is None else event["space"]
        facts = {"event": got, "gva": page, "space": space}
        if event["do"] == "fill":
            return wrong("right_fill", entry=event["entry"], **facts)
        gone = [e for e in event["there"] if e not in event["left"]]
        more = sum(not must_go(entry, event) for entry in gone)
        return wrong("right_fence_more" if more else "right_fence", more=more, **facts)
    if log.wrong is None:
        return wrong("beyond", said=got)
    return wrong(log.fault, said="None" if got is None else got)


def counts(logs: list[Log]) -> dict[str, int]:
    """Return how many pagers were convicted and acquitted."""
    faulty = sum(log.wrong is not None for log in logs)
    return {"count": faulty, "clean": len(logs) - faulty}


EXERCISE = Exercise(
    id="05.2", minutes=45, difficulty=3, points=5, make=make,
    form=Cases(
        call=lambda log: [log.events, log.offset],
        right=lambda log: log.wrong,
        shape=Maybe(int),
        mistakes={"from_one": lambda log: None if log.wrong is None else log.wrong + 1},
        explain=explain,
        order=("right_fence", "right_fence_more", "right_fill", *FAULTS, "beyond"),
        passed=counts,
    ),
    play=lambda logs: next(log for log in logs if log.wrong is not None),
    counterpart=lambda: ShadowPaging.fence_instruction,
)  # fmt: skip
