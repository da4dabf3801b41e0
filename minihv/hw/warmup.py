"""Compiling the machine ahead of its first use, so that somebody can show how far it is.

It is compiled once for a host and a version of the sources, in steps (`engine.Library.object`). How
far a step is cannot be asked; what it took elsewhere says about where it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

from minihv.hw import engine, stencils

# What the steps are of the whole, and the seconds that each took on one host.
STEPS = ((0.15, 0.5), (0.55, 2.0), (0.30, 1.0))
REPORTS = 5  # per second


class Meter:
    """How far a compilation is, from 0 to 1; it never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._begun: list[float] = []  # when each step began

    def step(self) -> None:
        """The next step begins."""
        self._begun.append(self._clock())

    @property
    def started(self) -> bool:
        """Whether anything had to be compiled."""
        return bool(self._begun)

    def fraction(self) -> float:
        """Return what the steps before are, and a part of this one, by time."""
        if not self._begun:
            return 0.0
        number = min(len(self._begun), len(STEPS)) - 1
        share, seconds = STEPS[number]
        gone = (self._clock() - self._begun[number]) / seconds
        return sum(before for before, _ in STEPS[:number]) + 0.99 * share * min(gone, 1)


def warm(progress: Callable[[float], None] | None = None) -> None:
    """Compile the machine, or load it if this host has compiled it before.

    Only while it is compiled, `progress` is called a few times per second, in another thread, with
    the part that is done, and at the end with 1. ConfigError where LLVM is missing.
    """
    from threading import Event, Thread

    meter, over = Meter(), Event()

    def report() -> None:
        while not over.wait(1 / REPORTS):
            if meter.started and progress is not None:
                progress(meter.fraction())

    thread = Thread(target=report, daemon=True)
    if progress is not None and not engine.MACHINE.is_compiled():
        thread.start()
    try:
        engine.MACHINE.link(meter.step)
        if meter.started and stencils.supported():
            stencils.stencils()
    finally:
        over.set()
        if thread.ident is not None:
            thread.join()
    if meter.started and progress is not None:
        progress(1.0)


def make_sure(notice: Callable[[], None]) -> None:
    """Compile the machine if this host has not yet; `notice` is called as that begins."""
    if find_spec("llvmlite") and not engine.MACHINE.is_compiled():
        once = cache(notice)
        warm(lambda _: once())
