"""A run always ends, and says what failed: a limit for each test, and one for the whole run.

A test that is over its limit fails where it stands, and all processes below its worker are killed
(its module's fixtures too), so that nobody waits for them any more. What no signal interrupts
(compiled code that does not return) ends with its worker GRACE later, and the summary says where
each thread stood; without workers, pytest's faulthandler_timeout ends the run. The Makefile lets no
other worker take a dead one's place, because xdist would have each of them hang in the same test.
The whole run has an end of its own, kept by the process that leads the workers.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import psutil
import pytest

from tests.tiers import count

TEST_SECONDS = float(os.environ.get("MINIHV_TEST_SECONDS") or count(600, 600, 86_400))
RUN_MINUTES = float(os.environ.get("MINIHV_TEST_MINUTES") or count(120, 120, 0))
AGAIN = 30  # seconds until the next reminder, for a test that swallows the first
GRACE = float(os.environ.get("MINIHV_TEST_GRACE") or 120)  # seconds to take notice of the limit
FRAMES = 12  # of each thread that hangs, to be shown
STACKS: list[IO[str]] = []  # where this worker writes where it hangs


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
    if STACKS:
        faulthandler.dump_traceback_later(seconds + GRACE, exit=True, file=STACKS[0])
    try:
        yield
    finally:
        if STACKS:
            faulthandler.cancel_dump_traceback_later()
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
        self.stacks = tempfile.TemporaryDirectory(prefix="minihv-stacks-")

    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["stacks"] = self.stacks.name

    def pytest_sessionstart(self) -> None:
        signal.signal(signal.SIGALRM, self._end)
        signal.setitimer(signal.ITIMER_REAL, 60 * RUN_MINUTES)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.running[nodeid] = None

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.running.pop(nodeid, None)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for path in sorted(Path(self.stacks.name).iterdir()):
            threads = path.read_text(errors="replace").split("\n\n")
            shown = ["\n".join(thread.splitlines()[:FRAMES]) for thread in threads]
            if any(shown):
                terminalreporter.section(f"where {path.name} hung")
                terminalreporter.write_line("\n\n".join(shown))

    def _end(self, number: int, frame: object) -> None:
        kill_children()
        at = ", ".join(self.running) or "no test"
        pytest.exit(f"the run took more than {RUN_MINUTES:g} minutes; it was at {at}", 1)


def pytest_configure(config: pytest.Config) -> None:
    worker = getattr(config, "workerinput", {})
    if "stacks" in worker:
        STACKS.append(open(Path(worker["stacks"]) / worker["workerid"], "w"))
    leads_workers = config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")
    if leads_workers and RUN_MINUTES and hasattr(signal, "SIGALRM"):
        config.pluginmanager.register(WholeRun(), "minihv-whole-run")
