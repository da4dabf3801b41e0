"""Compiling the run loop ahead of its first use, so that somebody can show how far it is.

Numba compiles in one call, once for a host and a version of the sources; its events say which of
the loop's helpers is done. The shares below are where the time went in measured compilations.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from minihv.hw import engine
from minihv.hw.hart import Hart
from minihv.hw.memory import PAGE, Memory

TYPING, HELPERS = 0.17, 0.65  # the loop's types, its helpers; the rest is its machine code
TYPING_SECONDS = 4.0
HELPER_COUNT = 60
REPORTS = 5  # per second


class Meter:
    """How far a compilation is, from 0 to 1; it never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self.started: float | None = None  # when the compilation began; None: it has not
        self._stage = 0.0  # when the present stage began
        self._helpers = 0
        self._least = 0.0

    def begin(self) -> None:
        """Something began to be compiled."""
        if self.started is None:
            self.started = self._stage = self._clock()

    def helper(self) -> None:
        """A helper is done."""
        self._helpers += 1
        self._stage = self._clock()

    def fraction(self) -> float:
        """Return the measured part; inside a stage that cannot be measured, guess by time."""
        if self.started is None:
            return 0.0
        now = self._clock()
        if not self._helpers:
            done = TYPING * min((now - self._stage) / TYPING_SECONDS, 1)
        else:
            done = TYPING + HELPERS * min(self._helpers / HELPER_COUNT, 1)
            if self._helpers >= HELPER_COUNT:
                before = (self._stage - self.started) / (TYPING + HELPERS)
                rest = 1 - TYPING - HELPERS
                done += rest * min((now - self._stage) / (before * rest + 1e-9), 1)
        self._least = max(self._least, min(done, 0.99))
        return self._least


def warm(progress: Callable[[float], None] | None = None) -> None:
    """Compile the run loop, or load it if this host has compiled it before.

    Only while it is compiled, `progress` is called a few times per second, in another thread, with
    the part that is done, and at the end with 1. ConfigError where Numba is missing.
    """
    hart = Hart(0, Memory(PAGE), "jit")
    if progress is None:
        hart.run(0)
        return
    with ExitStack() as watch:
        meter = Meter()
        watch.enter_context(_listening(meter))
        watch.enter_context(_reporting(meter, progress))
        hart.run(0)
    if meter.started is not None:
        progress(1.0)


def make_sure(notice: Callable[[], None]) -> None:
    """Compile the run loop if this host has not yet; `notice` is called as that begins. Where the
    cache holds what is newer than the sources, which is quick to tell, nothing is done."""
    folder = engine.cache_folder() / "__pycache__"
    sources = max(path.stat().st_mtime for path in Path(__file__).parent.glob("*.py"))
    compiled = (path.stat().st_mtime for path in folder.glob("machine_*.nbi"))
    if max(compiled, default=0.0) <= sources and find_spec("numba"):
        once = cache(notice)
        warm(lambda _: once())


def _listening(meter: Meter) -> Any:
    from numba.core import event

    class Listener(event.Listener):
        def on_start(self, _: object) -> None:
            meter.begin()

        def on_end(self, _: object) -> None:
            meter.helper()

    return event.install_listener("numba:compile", Listener())


def _reporting(meter: Meter, progress: Callable[[float], None]) -> Any:
    from contextlib import contextmanager
    from threading import Event, Thread

    over = Event()

    def report() -> None:
        while not over.wait(1 / REPORTS):
            if meter.started is not None:
                progress(meter.fraction())

    @contextmanager
    def reporting() -> Any:
        thread = Thread(target=report, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    return reporting()
