"""A time limit for the learner's code that no endless loop outlives.

The limit raises OutOfTime inside the code, and again and again should the code swallow it. Where
a loop cannot be left even so (it hangs in C), `minihv check` kills the process from outside.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

AGAIN = 0.2  # seconds between one OutOfTime and the next


class OutOfTime(BaseException):
    """The learner's code ran longer than it may; no Exception, so that `except Exception` lets it
    through."""


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the body once `seconds` have passed."""
    in_main = threading.current_thread() is threading.main_thread()
    chosen = _by_alarm if in_main and hasattr(signal, "setitimer") else _by_thread
    with chosen(seconds):
        yield


@contextmanager
def _by_alarm(seconds: float) -> Iterator[None]:
    """By a signal, which also ends a sleep. Main thread only, and not on Windows."""
    armed = True

    def ring(*_: object) -> None:
        if armed:
            raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    """By a thread that throws the exception into this one; works on every system."""
    throw = ctypes.pythonapi.PyThreadState_SetAsyncExc
    target = ctypes.c_ulong(threading.get_ident())
    done = threading.Event()

    def watch() -> None:
        wait = seconds
        while not done.wait(wait):
            throw(target, ctypes.py_object(OutOfTime))
            wait = AGAIN

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        throw(target, None)
