"""Exercise 01.4: what a working set costs, in TLB misses and in the references of their walks.

The learner's function plays a trace of addresses through a TLB of its own making and counts;
beside it the learner says why the cost jumps. Judged on traces whose counts differ for every
likely mistake, and the mistake is named where the counts betray it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from minihv.chapters.ch01.accesses import Tlb
from minihv.course.answers import value
from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble

CHOICES = "abcd"
RIGHT_CHOICE = "b"
Counts = tuple[int, int]  # misses, references


@dataclass(frozen=True)
class Play:
    """One trace of virtual addresses, the TLB's size and the page size as a power of two."""

    shape: str
    trace: tuple[int, ...]
    entries: int
    page_bits: int

    @property
    def counts(self) -> Counts:
        """(misses, references) by the package's TLB."""
        return Tlb(self.entries, self.page_bits).play(self.trace)


def sweep(base: int, pages: int, rounds: int, page_bits: int = 12) -> tuple[int, ...]:
    """One access to each of `pages` pages, again and again."""
    return tuple(base + (n << page_bits) + 8 * n for _ in range(rounds) for n in range(pages))


def make(rng: Random) -> list[Play]:
    """Sweeps that fit, fit just, just do not; random and skewed traces; larger pages."""
    entries = rng.choice((8, 16, 32, 64))
    base = rng.randrange(1, 255) << 30

    def random(pages: int, length: int, page_bits: int) -> tuple[int, ...]:
        return tuple(base + rng.randrange(pages << page_bits) for _ in range(length))

    def skewed(length: int) -> tuple[int, ...]:  # a few hot pages, many cold ones
        return tuple(
            base + (rng.randrange(4) if rng.random() < 0.6 else rng.randrange(3 * entries)) * 4096
            for _ in range(length)
        )

    return [
        Play("fits", sweep(base, entries // 2, 3), entries, 12),
        Play("just_fits", sweep(base, entries, 3), entries, 12),
        Play("just_not", sweep(base, entries + 1, 3), entries, 12),
        Play("skewed", skewed(800), entries, 12),
        Play("random", random(2 * entries, 600, 12), entries, 12),
        Play("large_pages", random(2 * entries, 400, 21), entries, 21),
        Play("huge_pages", random(entries + 3, 200, 30), entries, 30),
        Play("one_entry", sweep(base, 2, 5), 1, 12),
    ]


def ask(plays: list[Play]) -> list:
    """The traces."""
    return [[list(play.trace), play.entries, play.page_bits] for play in plays]


def put(call: Any, answers: Any, asked: Any) -> list:
    """An outcome for each trace, then the choice."""
    counts = [call(answers[0], trace, entries, bits) for trace, entries, bits in asked]
    return [*counts, value(answers[1])]


def judge(outcomes: list, plays: list[Play]) -> Verdict:
    """The first trace that was counted wrong, then the choice."""
    if len(outcomes) != len(plays) + 1:
        return wrong("handback")
    counts: list[Counts] = []
    for outcome in outcomes[:-1]:
        bad = trouble(outcome)
        if bad is not None:
            return bad
        got = outcome[1]
        if type(got) is not list or [type(part) for part in got] != [int, int]:
            return wrong("shape", got=repr(got)[:80])
        counts.append((got[0], got[1]))
    for got, play in zip(counts, plays, strict=True):
        if got != play.counts:
            return _explain(got, play, _mistakes(counts, plays))
    return _judge_choice(outcomes[-1], plays)


def _judge_choice(outcome: list, plays: list[Play]) -> Verdict:
    bad = trouble(outcome)
    if bad is not None:
        return wrong("no_choice") if bad.key == "unsolved" else bad
    choice = outcome[1]
    if type(choice) is not str or choice.strip().lower() not in (*CHOICES,):
        return wrong("no_choice")
    choice = choice.strip().lower()
    fits, just_not = plays[1], plays[2]
    facts = {"entries": fits.entries, "fits": fits.counts[0], "just_not": just_not.counts[0],
             "fits_accesses": len(fits.trace), "accesses": len(just_not.trace)}  # fmt: skip
    if choice != RIGHT_CHOICE:
        return wrong(f"choice_{choice}", **facts)
    return Verdict(True, "passed", facts)


# --- likely mistakes: each a TLB that counts otherwise ------------------------------------------


def first_in_first_out(play: Play) -> Counts:
    """Drops the oldest page, however recently it was used."""
    held: OrderedDict[int, None] = OrderedDict()
    misses = 0
    for va in play.trace:
        page = va >> play.page_bits
        if page not in held:
            misses += 1
            held[page] = None
            if len(held) > play.entries:
                held.popitem(last=False)
    return misses, misses * _depth(play)


def direct_mapped(play: Play) -> Counts:
    """Gives each page one place only."""
    held: dict[int, int] = {}
    misses = 0
    for va in play.trace:
        page = va >> play.page_bits
        if held.get(page % play.entries) != page:
            misses += 1
            held[page % play.entries] = page
    return misses, misses * _depth(play)


def endless(play: Play) -> Counts:
    """Never drops a page."""
    misses = len({va >> play.page_bits for va in play.trace})
    return misses, misses * _depth(play)


def _depth(play: Play) -> int:
    return (39 - play.page_bits) // 9


def _lru(play: Play, entries: int | None = None, page_bits: int | None = None) -> Counts:
    tlb = Tlb(play.entries if entries is None else entries, page_bits or play.page_bits)
    misses, _ = tlb.play(play.trace)
    return misses, misses * _depth(play)


MISTAKES: dict[str, Callable[[Play], Counts]] = {
    "no_first_misses": lambda play: _scaled(play, play.counts[0] - endless(play)[0]),
    "one_too_many": lambda play: _lru(play, play.entries + 1),
    "one_too_few": lambda play: _lru(play, play.entries - 1),
    "small_pages": lambda play: _lru(play, page_bits=12),
    "hits": lambda play: _scaled(play, len(play.trace) - play.counts[0]),
    "endless": endless,
    "fifo": first_in_first_out,
    "direct_mapped": direct_mapped,
}


def _scaled(play: Play, misses: int) -> Counts:
    return misses, misses * _depth(play)


def _mistakes(counts: list[Counts], plays: list[Play]) -> list[str]:
    """The mistakes that explain the misses of all traces."""
    return [name for name, mistake in MISTAKES.items()
            if all(got[0] == mistake(play)[0] for got, play in zip(counts, plays, strict=True))]


def _explain(got: Counts, play: Play, mistakes: list[str]) -> Verdict:
    """What is wrong with the count of this trace."""
    facts = {"misses": got[0], "references": got[1], "right": play.counts[0],
             "right_references": play.counts[1], "entries": play.entries,
             "page_bits": play.page_bits, "accesses": len(play.trace),
             "pages": endless(play)[0], "depth": _depth(play)}  # fmt: skip
    if got == play.counts[::-1]:
        return wrong("swapped", **facts)
    if got[0] == play.counts[0]:
        return wrong("references", **facts)
    return wrong(mistakes[0] if mistakes else "count", **facts)


def counterpart() -> type:
    """The package's model."""
    return Tlb


def play(plays: list[Play]) -> list[Play]:
    """All traces, to try the function on."""
    return plays
