"""Exercise 01.4: what a working set costs, in TLB misses and in the references of their walks.

The learner's function plays a trace of addresses through a TLB of its own making and counts;
beside it the learner says why the cost jumps. Judged on traces whose counts differ for every
likely mistake, and the mistake is named where the counts betray it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from minihv.course.cases import Cases
from minihv.course.exercise import Exercise, Verdict, wrong

Counts = list[int]  # misses, references


class Tlb:
    """A fully associative TLB with `entries` entries that drops the least recently used one.

    `page_bits` is log2 of the page's size in bytes: 12, 21 or 30.
    """

    def __init__(self, entries: int, page_bits: int = 12):
        self.entries = entries
        self.page_bits = page_bits
        self.misses = self.references = 0
        self._pages: OrderedDict[int, None] = OrderedDict()

    def touch(self, va: int) -> bool:
        """Look `va` up; tell if it was there. A miss walks: one reference per level."""
        page = va >> self.page_bits
        if page in self._pages:
            self._pages.move_to_end(page)
            return True
        self.misses += 1
        self.references += (39 - self.page_bits) // 9
        self._pages[page] = None
        if len(self._pages) > self.entries:
            self._pages.popitem(last=False)
        return False

    def play(self, addresses: Iterable[int]) -> tuple[int, int]:
        """Touch all `addresses`; (misses, references) so far."""
        for va in addresses:
            self.touch(va)
        return self.misses, self.references


@dataclass(frozen=True)
class Play:
    """One trace of virtual addresses, the TLB's size and the page size as a power of two."""

    shape: str
    trace: tuple[int, ...]
    entries: int
    page_bits: int

    @property
    def counts(self) -> Counts:
        """[misses, references] by the package's TLB."""
        return [*Tlb(self.entries, self.page_bits).play(self.trace)]


def sweep(base: int, pages: int, rounds: int, page_bits: int = 12) -> tuple[int, ...]:
    """Return one access to each of `pages` pages, again and again."""
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
    return [misses, misses * _depth(play)]


def direct_mapped(play: Play) -> Counts:
    """Gives each page one place only."""
    held: dict[int, int] = {}
    misses = 0
    for va in play.trace:
        page = va >> play.page_bits
        if held.get(page % play.entries) != page:
            misses += 1
            held[page % play.entries] = page
    return [misses, misses * _depth(play)]


def endless(play: Play) -> Counts:
    """Never drops a page."""
    misses = len({va >> play.page_bits for va in play.trace})
    return [misses, misses * _depth(play)]


def _depth(play: Play) -> int:
    return (39 - play.page_bits) // 9


def _lru(play: Play, entries: int | None = None, page_bits: int | None = None) -> Counts:
    tlb = Tlb(play.entries if entries is None else entries, page_bits or play.page_bits)
    misses, _ = tlb.play(play.trace)
    return [misses, misses * _depth(play)]


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
    return [misses, misses * _depth(play)]


def explain(got: Counts, play: Play) -> Verdict:
    """Say which of the two counts is wrong."""
    facts = {"misses": got[0], "references": got[1], "right": play.counts[0],
             "right_references": play.counts[1], "entries": play.entries,
             "page_bits": play.page_bits, "accesses": len(play.trace),
             "pages": endless(play)[0], "depth": _depth(play)}  # fmt: skip
    if got == play.counts[::-1]:
        return wrong("swapped", **facts)
    return wrong("references" if got[0] == play.counts[0] else "count", **facts)


def praise(plays: list[Play]) -> dict[str, int]:
    """Return what the choice is about: a sweep that just fits, and one that just does not."""
    fits, just_not = plays[1], plays[2]
    return {"entries": fits.entries, "fits": fits.counts[0], "just_not": just_not.counts[0],
            "fits_accesses": len(fits.trace), "accesses": len(just_not.trace)}  # fmt: skip


EXERCISE = Exercise(
    id="01.4", minutes=30, difficulty=2, points=4, make=make,
    form=Cases(
        call=lambda play: [list(play.trace), play.entries, play.page_bits],
        right=lambda play: play.counts,
        shape=[int, int],
        mistakes=MISTAKES,
        explain=explain,
        choice="b",
        passed=praise,
    ),
    counterpart=lambda: Tlb,
)  # fmt: skip
