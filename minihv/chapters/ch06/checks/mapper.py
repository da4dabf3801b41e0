"""Exercise 06.3: the log of a G-stage mapper; find the first entry that is wrong.

A mapper answers guest-page faults: it gives each gpa a page of the memory that was lent to the
guest, by 2 MiB where that is possible, else by 4 KiB. Most logs have one planted fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from minihv.chapters.ch01 import pages
from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong
from minihv.course.shapes import Maybe
from minihv.vmm import NestedPaging

LARGE = 2 << 20
FLAGS = pages.V | pages.R | pages.W | pages.X | pages.U | pages.A | pages.D


@dataclass(frozen=True)
class Guest:
    """What a VM was lent: `size` bytes from gpa `base`, at hpa `base + offset`."""

    base: int
    size: int
    offset: int

    def level(self, gpa: int) -> int:
        """1 where 2 MiB around gpa can be mapped at once."""
        start = gpa & -LARGE
        inside = self.base <= start and start + LARGE <= self.base + self.size
        return int(inside and self.offset % LARGE == 0)


Event = dict[str, int]


def right(guest: Guest, gpa: int) -> Event:
    """Return what a mapper should do about a fault at gpa."""
    level = guest.level(gpa)
    page = gpa & -(4096 << 9 * level)
    return {"gpa": gpa, "level": level, "index": gpa >> 12 + 9 * level & 511,
            "entry": page + guest.offset >> 12 << 10 | FLAGS}  # fmt: skip


def _entry(change: Callable[[int], int]) -> Callable[[Guest, Event], Event]:
    return lambda guest, event: {**event, "entry": change(event["entry"])}


def _misaligned(guest: Guest, event: Event) -> Event:
    if not event["level"]:
        return event
    return {**event, "entry": event["gpa"] + guest.offset >> 12 << 10 | FLAGS}


def _beyond(guest: Guest, event: Event) -> Event:
    """2 MiB at the ragged end of the guest's memory: what comes after it is somebody else's."""
    gpa = event["gpa"]
    if event["level"] or guest.offset % LARGE or gpa & -LARGE < guest.base:
        return event
    return {"gpa": gpa, "level": 1, "index": gpa >> 21 & 511,
            "entry": (gpa & -LARGE) + guest.offset >> 12 << 10 | FLAGS}  # fmt: skip


def _wrong_index(guest: Guest, event: Event) -> Event:
    if not event["level"]:
        return event
    return {**event, "index": event["gpa"] >> 12 & 511}


FAULTS: dict[str, Callable[[Guest, Event], Event]] = {
    "no_user": _entry(lambda entry: entry & ~pages.U),
    "no_write": _entry(lambda entry: entry & ~pages.W),
    "no_marks": _entry(lambda entry: entry & ~(pages.A | pages.D)),
    "next_page": _entry(lambda entry: entry + (1 << 10)),
    "no_offset": lambda guest, event: {**event, "entry": event["entry"]
                                       - (guest.offset >> 12 << 10)},
    "misaligned": _misaligned,
    "beyond": _beyond,
    "wrong_index": _wrong_index,
}  # fmt: skip


FORMS = ("base", "even", "odd")


@dataclass(frozen=True)
class Log:
    """The guest, what its mapper did, and the answer: the planted fault and where it is."""

    guest: Guest
    events: list[Event]
    fault: str
    wrong: int | None


def first_wrong(guest: Guest, events: list[Event]) -> int | None:
    """Return the first event that is not as it should be."""
    return next((n for n, e in enumerate(events) if e != right(guest, e["gpa"])), None)


def record(rng: Random, fault: str, form: str = "") -> Log:
    """Return a log of faults at random places, the mapper's fault from some place on.

    form: "base", the guest's memory begins inside 2 MiB; "even", it ends with 2 MiB, and its offset
    is an odd number of them; "odd", no 2 MiB can be mapped at all.
    """
    ragged = 0 if form == "even" else 4096 * rng.randrange(1, 512)
    offset = LARGE * (2 * rng.randrange(4, 32) + 1)
    if form == "odd" or (fault in ("no_user", "next_page") and rng.random() < 0.5):
        offset += 4096 * rng.randrange(1, 512)
    base = 0x80000000 + (4096 * rng.randrange(1, 512) if form == "base" else 0)
    end = 0x80000000 + LARGE * rng.randrange(3, 6) + ragged
    guest = Guest(base, end - base, offset)
    gpas = [rng.randrange(base, end) & ~7 for _ in range(11)]
    gpas += [rng.randrange(end - (ragged or LARGE), end) & ~7 for _ in range(3)]
    gpas += [base, (base | LARGE - 1) - 7, end - 8, (end - LARGE & -LARGE) + 8]  # the edges
    rng.shuffle(gpas)
    start, events = rng.randrange(3, 9), []
    for number, gpa in enumerate(gpas):
        event = right(guest, gpa)
        events.append(FAULTS[fault](guest, event) if fault and number >= start else event)
    found = first_wrong(guest, events)
    return record(rng, fault) if fault and found is None else Log(guest, events, fault, found)


def make(rng: Random) -> list[Log]:
    """Return a log for each fault, and four without any."""
    wanted = [*((fault, "") for fault in FAULTS), *(("", form) for form in ("", *FORMS))]
    rng.shuffle(wanted)
    return [record(rng, *one) for one in wanted]


def explain(got: int | None, log: Log) -> Verdict:
    """Say why the event that was named is right, or else what the mapper does wrong."""
    said = "None" if got is None else got
    if got is not None and 0 <= got < len(log.events):
        event = log.events[got]
        if event == right(log.guest, event["gpa"]):
            return wrong("right", event=got, said=said, **event)
    return wrong(log.fault or "shape", said=said, got=said)


def counts(logs: list[Log]) -> dict[str, int]:
    """Return how many mappers were convicted and acquitted."""
    faulty = sum(log.wrong is not None for log in logs)
    return {"count": faulty, "clean": len(logs) - faulty}


EXERCISE = Exercise(
    id="06.3", minutes=35, difficulty=2, points=4, make=make,
    form=Cases(
        call=lambda log: [log.events, log.guest.base, log.guest.size, log.guest.offset],
        right=lambda log: log.wrong,
        shape=Maybe(int),
        explain=explain,
        order=("right", *FAULTS),
        passed=counts,
    ),
    play=lambda logs: next(log for log in logs if log.fault),
    counterpart=lambda: NestedPaging.fill,
)  # fmt: skip
