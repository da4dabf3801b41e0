"""Where `minihv check` runs a notebook's cells, seen from outside: a process behind two pipes,
under time limits.

What runs there is cells.py, with the caller's own rights (BesideUs) or in a container
(confined.py). Nothing that comes from there is believed: a reply is JSON of bounded length, or the
process is ended.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from minihv.course.books.store import environment
from minihv.errors import MinihvError

READY_SECONDS = 60.0
GRACE_SECONDS = 5.0  # to end after an interrupt
LONGEST = 500  # characters of an error's name or text
MOST_BYTES = 2 << 20  # of what comes back, replies and garbage, for one request


class KernelError(MinihvError):
    """No process could be started to run a notebook in."""


@dataclass(frozen=True)
class Ran:
    """How a cell or an answer ended: "ok", "error" (`name`: `text`), "slow" (interrupted), "stuck"
    (would not be interrupted), "garbled" or "died". Where `gone`, the process has been given up."""

    how: str
    name: str = ""
    text: str = ""
    gone: bool = False


class Process(Protocol):
    """A started cells.py."""

    def interrupt(self) -> None:
        """Send SIGINT."""

    def kill(self) -> None:
        """Send SIGKILL."""

    def close(self) -> None:
        """End it with all that it started."""


Start = Callable[[int, int], Process]  # with what it is to read from and to write to


class Pipes:
    """Two pipes: our ends, and `theirs`, to read from and to write to. No socket: what a process
    sends along on one, such as a descriptor that takes an hour to close, is received unasked."""

    def __init__(self) -> None:
        if sys.platform == "win32":
            raise KernelError("Windows cannot wait for a pipe; WSL can")
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        self.theirs = theirs_in, theirs_out
        for fd in (self._in, self._out):
            os.set_blocking(fd, False)

    def give_away(self) -> None:
        """Close the ends that are theirs by now."""
        for fd in self.theirs:
            os.close(fd)

    def read(self, seconds: float) -> bytes | None:
        """Return what comes within that time, b"" at the end, None if there is nothing."""
        if not select.select([self._in], [], [], max(seconds, 0))[0]:
            return None
        return os.read(self._in, 1 << 16)

    def write(self, data: bytes, end: float) -> bool:
        """Write all; tell if somebody took it in time."""
        left = memoryview(data)
        while left:
            if not select.select([], [self._out], [], max(end - time.monotonic(), 0))[1]:
                return False
            try:
                left = left[os.write(self._out, left) :]
            except BlockingIOError:
                continue
            except OSError:
                return False
        return True

    def close(self) -> None:
        """Close our ends."""
        os.close(self._in)
        os.close(self._out)


_live: set[Kernel] = set()
_over = False


@contextmanager
def ended_with() -> Iterator[None]:
    """End all kernels, and start no more, if what is done here is interrupted."""
    global _over
    try:
        yield
    except BaseException:
        _over = True
        for kernel in list(_live):
            kernel.end()
        raise


def allow() -> None:
    """Kernels may be started, again."""
    global _over
    _over = False


class Kernel:
    """A process that runs cells; close() ends it and all that it started."""

    def __init__(self, start: Start, patience: float = 1.0):
        if _over:
            raise KernelError("interrupted")
        self._pipes, self._lines, self._rest, self._taken = Pipes(), deque[bytes](), b"", 0
        try:
            self._process = start(*self._pipes.theirs)
        except BaseException:
            self._pipes.close()
            raise
        finally:
            self._pipes.give_away()
        _live.add(self)
        line = self._line(time.monotonic() + READY_SECONDS * patience)
        if not line:
            self.close()
            raise KernelError("it did not start" if line is None else "it ended at once")

    def run(self, source: str, seconds: float) -> Ran:
        """Run one cell; after `seconds` by the clock it is interrupted."""
        ran, reply = self._exchange({"cell": source}, seconds)
        if ran.how == "ok" and reply.get("how") == "error":
            return Ran("error", str(reply.get("name"))[:LONGEST], str(reply.get("text"))[:LONGEST])
        return ran

    def ask(self, number: str, asked: Any, budget: float, seconds: float) -> tuple[Ran, Any]:
        """Let the notebook's code answer exercise `number` within a `budget` that it keeps itself,
        and `seconds` by the clock; how it went, and the outcomes."""
        question = {"exercise": number, "asked": asked, "seconds": budget}
        ran, reply = self._exchange(question, seconds)
        return ran, reply.get("outcomes")

    def close(self) -> None:
        """End it."""
        _live.discard(self)
        self._process.close()
        self._pipes.close()

    def end(self) -> None:
        """End its process from another thread; who waits for it sees that it died."""
        self._process.kill()

    def _exchange(self, request: dict[str, Any], seconds: float) -> tuple[Ran, dict[str, Any]]:
        """Send a request and wait for its reply."""
        identity, end, slow = secrets.token_hex(8), time.monotonic() + seconds, False
        self._taken = 0
        if not self._pipes.write(json.dumps(request | {"id": identity}).encode() + b"\n", end):
            return Ran("died", gone=True), {}
        while True:
            line = self._line(end)
            if line is None and slow:
                return Ran("stuck", gone=True), {}
            if line is None:
                slow, end = True, time.monotonic() + GRACE_SECONDS
                self._process.interrupt()
            elif not line:
                return Ran("garbled" if self._taken > MOST_BYTES else "died", gone=True), {}
            elif (reply := _parsed(line)).get("id") == identity:
                return Ran("slow" if slow else "ok"), reply

    def _line(self, end: float) -> bytes | None:
        """Return the next line, b"" if no more will come or it is too much, None if it is late."""
        while not self._lines:
            piece = self._pipes.read(end - time.monotonic())  # what is there is read, however late
            if piece is None:
                return None
            self._taken += len(piece)
            if not piece or self._taken > MOST_BYTES:
                return b""
            *lines, self._rest = (self._rest + piece).split(b"\n")
            self._lines.extend(filter(None, lines))
        return self._lines.popleft()


def _parsed(line: bytes) -> dict[str, Any]:
    """Return the object in a line, or an empty one."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if type(found) is dict else {}


class BesideUs:
    """A process with the caller's own rights, for a notebook of one's own. It leads a process
    group, which is killed as a whole, and writes into a folder of its own."""

    def __init__(self, folder: Path, reader: int, writer: int):
        self.scratch = tempfile.TemporaryDirectory(prefix="minihv-check-")
        command = [sys.executable, "-c", "from minihv.course.judging.cells import main; main()"]
        try:
            self.process = subprocess.Popen(
                command, stdin=reader, stdout=writer, stderr=subprocess.DEVNULL, cwd=folder,
                env=environment(Path(self.scratch.name)) | {"MINIHV_JUDGED": "1"},
                start_new_session=True)
        except OSError as error:
            self.scratch.cleanup()
            raise KernelError(f"{sys.executable}: {error.strerror}") from error

    def interrupt(self) -> None:
        """Send SIGINT."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Send SIGKILL to its group."""
        with suppress(ProcessLookupError, PermissionError):  # all gone already
            if self.process.returncode is None:  # not reaped yet: still its number
                os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it and its group."""
        self.kill()
        self.process.wait()
        self.scratch.cleanup()
