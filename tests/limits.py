"""A run always ends, and says what failed: a limit for each test, and one for the whole run.

A test that is over its limit fails where it stands, and all processes below its worker are killed
(its module's fixtures too), so that nobody waits for them any more. Only what no signal interrupts
is left to pytest's faulthandler_timeout, which ends the worker; the Makefile lets no other worker
take its place, because xdist would have each of them hang in the same test. The whole run
has an end of its own, kept by the process that leads the workers.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest

from tests.tiers import count

TEST_SECONDS = float(os.environ.get("MINIHV_TEST_SECONDS") or count(600, 600, 86_400))
RUN_MINUTES = float(os.environ.get("MINIHV_TEST_MINUTES") or count(120, 120, 0))
AGAIN = 30  # seconds until the next reminder, for a test that swallows the first


class TookTooLong(BaseException):
    """A test, or its set-up or clean-up, is over its limit. No test catches this by accident."""


def kill_children() -> None:
    """Kill all descendants of this process."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # gone by itself
            child.kill()


@contextmanager
def limited(what: str, seconds: float) -> Iterator[None]:
    """Raise TookTooLong in what is done here, once it has taken `seconds`."""
    def ring(number: int, frame: object) -> None:
        kill_children()
        raise TookTooLong(f"{what} took more than {seconds:g} s; what it started was killed")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    with limited("the set-up", TEST_SECONDS):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    with limited("the test", TEST_SECONDS):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    with limited("the clean-up", TEST_SECONDS):
        return (yield)


class WholeRun:
    """The limit of a run with workers, and what they are at, for when it is reached."""

    def __init__(self) -> None:
        self.running: dict[str, None] = {}

    def pytest_sessionstart(self) -> None:
        signal.signal(signal.SIGALRM, self._end)
        signal.setitimer(signal.ITIMER_REAL, 60 * RUN_MINUTES)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.running[nodeid] = None

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.running.pop(nodeid, None)

    def _end(self, number: int, frame: object) -> None:
        kill_children()
        at = ", ".join(self.running) or "no test"
        pytest.exit(f"the run took more than {RUN_MINUTES:g} minutes; it was at {at}", 1)


def pytest_configure(config: pytest.Config) -> None:
    leads_workers = config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")
    if leads_workers and RUN_MINUTES and hasattr(signal, "SIGALRM"):
        config.pluginmanager.register(WholeRun(), "minihv-whole-run")
