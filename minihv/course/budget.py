"""A time limit for the learner's code that no endless loop outlives.

The limit raises OutOfTime inside the code, and again and again should the code swallow it. Where
a loop cannot be left even so (it hangs in C), `minihv check` kills the process from outside.

Limits count processor time, so that a busy computer changes no mark; and by the clock, for code
that waits, WAITING times as many seconds. On a slow computer they are longer: see `slowness`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

AGAIN = 0.2  # seconds between one OutOfTime and the next
WAITING = 3.0
ROUNDS, REFERENCE = 100_000, 0.0060  # of the loop below; its seconds where limits were chosen


class OutOfTime(BaseException):
    """The learner's code ran longer than it may; no Exception, so that `except Exception` lets it
    through."""


def _loop() -> float:
    """Return the processor seconds of plain Python that is the same everywhere."""
    started, total = time.thread_time(), 0
    for number in range(ROUNDS):
        total += number & 3
    return time.thread_time() - started


@cache
def _trial() -> float:
    return min(_loop() for _ in range(5)) / REFERENCE


def slowness() -> float:
    """Return by how much limits are longer here than where they were chosen, at least 1: by trial,
    and $MINIHV_PATIENCE times that, if it is set, as `make test` does."""
    return max(_trial(), 1.0) * float(os.environ.get("MINIHV_PATIENCE") or 1)


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the body once it has taken `seconds` of processor time."""
    in_main = threading.current_thread() is threading.main_thread()
    chosen = _by_alarms if in_main and hasattr(signal, "setitimer") else _by_thread
    with chosen(seconds):
        yield


@contextmanager
def _by_alarms(seconds: float) -> Iterator[None]:
    """By signals, which also end a sleep. Main thread only, and not on Windows."""
    armed = True

    def ring(*_: object) -> None:
        if armed:
            raise OutOfTime

    timers = {signal.SIGPROF: (signal.ITIMER_PROF, seconds),
              signal.SIGALRM: (signal.ITIMER_REAL, WAITING * seconds)}  # fmt: skip
    before = {number: signal.signal(number, ring) for number in timers}
    others = {}
    try:
        for timer, first in timers.values():
            others[timer] = signal.setitimer(timer, first, AGAIN)
        yield
    finally:
        armed = False
        for number, (timer, _) in timers.items():
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])
            signal.setitimer(timer, *others.get(timer, (0, 0)))


@contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    """By a thread that throws the exception into this one; works on every system."""
    throw = ctypes.pythonapi.PyThreadState_SetAsyncExc
    target = ctypes.c_ulong(threading.get_ident())
    done = threading.Event()
    begun, clock = time.process_time(), time.monotonic()

    def left() -> float:
        """Seconds until the limit can be reached at the earliest."""
        waited = clock + WAITING * seconds - time.monotonic()
        return min(begun + seconds - time.process_time(), waited)

    def watch() -> None:
        while not done.wait(max(left(), AGAIN)):
            if left() <= 0:
                throw(target, ctypes.py_object(OutOfTime))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        throw(target, None)
