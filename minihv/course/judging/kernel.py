"""Where `minihv check` runs a notebook's cells, seen from outside: a process at the other end of a
socket, under a time limit.

What runs there is cells.py, with the caller's own rights (`beside_us`) or in a container
(confined.py). Nothing that comes from there is believed: a reply is JSON of bounded length, or the
process is ended.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from minihv.errors import MinihvError

READY_SECONDS = 60.0
GRACE_SECONDS = 5.0  # to end after an interrupt
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

    def close(self) -> None:
        """End it with all that it started."""


Start = Callable[[socket.socket], Process]  # with our end's other end


class Kernel:
    """A process that runs cells; close() ends it and all that it started."""

    def __init__(self, start: Start, patience: float = 1.0):
        ours, theirs = socket.socketpair()
        self._socket, self._buffer, self._taken = ours, bytearray(), 0
        try:
            with theirs:
                self._process = start(theirs)
        except BaseException:
            ours.close()
            raise
        line = self._line(time.monotonic() + READY_SECONDS * patience)
        if not line:
            self.close()
            raise KernelError("it did not start" if line is None else "it ended at once")

    def run(self, source: str, seconds: float) -> Ran:
        """Run one cell; after `seconds` by the clock it is interrupted."""
        ran, reply = self._exchange({"cell": source}, seconds)
        if ran.how == "ok" and reply.get("how") == "error":
            return Ran("error", str(reply.get("name")), str(reply.get("text")))
        return ran

    def ask(self, number: str, asked: Any, budget: float, seconds: float) -> tuple[Ran, Any]:
        """Let the notebook's code answer exercise `number` within a `budget` that it keeps itself,
        and `seconds` by the clock; how it went, and the outcomes."""
        question = {"exercise": number, "asked": asked, "seconds": budget}
        ran, reply = self._exchange(question, seconds)
        return ran, reply.get("outcomes")

    def close(self) -> None:
        """End it."""
        self._process.close()
        self._socket.close()

    def _exchange(self, request: dict[str, Any], seconds: float) -> tuple[Ran, dict[str, Any]]:
        """Send a request and wait for its reply."""
        identity, end, slow = secrets.token_hex(8), time.monotonic() + seconds, False
        self._taken = 0
        if not self._send(json.dumps(request | {"id": identity}).encode() + b"\n", end):
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

    def _send(self, data: bytes, end: float) -> bool:
        """Send all; tell if somebody took it in time."""
        try:
            self._socket.settimeout(max(end - time.monotonic(), 0.1))
            self._socket.sendall(data)
        except OSError:
            return False
        return True

    def _line(self, end: float) -> bytes | None:
        """Return the next line, b"" if no more will come or it is too much, None if it is late."""
        while b"\n" not in self._buffer:
            left = end - time.monotonic()
            if left <= 0:
                return None
            self._socket.settimeout(left)
            try:
                piece = self._socket.recv(1 << 16)
            except TimeoutError:
                return None
            except OSError:
                piece = b""
            self._taken += len(piece)
            if not piece or self._taken > MOST_BYTES:
                return b""
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return bytes(line) or b" "


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

    def __init__(self, folder: Path, channel: socket.socket):
        self.scratch = tempfile.TemporaryDirectory(prefix="minihv-check-")
        place = Path(self.scratch.name)
        paths = [str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {
            "MINIHV_JUDGED": "1",
            "MINIHV_STATE": str(place / "progress.json"),
            "IPYTHONDIR": str(place / "ipython"),
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        }
        number, stdin = 0, channel.fileno()
        if windows := sys.platform == "win32":  # where a socket is no file
            channel.set_inheritable(True)
            number, stdin = channel.fileno(), subprocess.DEVNULL
        code = f"from minihv.course.judging.cells import main; main({number})"
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code], stdin=stdin, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, cwd=folder, env=environment, close_fds=not windows,
                start_new_session=True)
        except OSError as error:
            self.scratch.cleanup()
            raise KernelError(f"{sys.executable}: {error.strerror}") from error

    def interrupt(self) -> None:
        """Send SIGINT; on Windows, which has none, it is the end."""
        if sys.platform == "win32":
            self.process.terminate()
        else:
            self.process.send_signal(signal.SIGINT)

    def close(self) -> None:
        """End it and its group."""
        if hasattr(os, "killpg"):
            try:
                os.killpg(self.process.pid, signal.SIGKILL)  # not reaped yet: still its number
            except (ProcessLookupError, PermissionError):
                pass  # all gone already
        self.process.kill()
        self.process.wait()
        self.scratch.cleanup()
