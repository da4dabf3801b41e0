"""The runner of `minihv container run` and `exec`: a process of its own, executed from a read-only
interpreter, that lives as long as the container or the command inside.

The caller's own descriptors stay outside: by /proc/self/fd whoever has one can open its file anew,
for writing, and whoever has the terminal can read and type on it. So the container gets pipes, or
on a terminal a pseudoterminal (pty(7)), and what it says goes to ours and to its log.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator
from pathlib import Path

from minihv.containers.linux.runtime.first import (
    CANNOT_RUN,
    FAILED,
    FORWARDED,
    NOT_FOUND,
    Spec,
    close_others,
    enter,
    exit_code,
)
from minihv.containers.linux.runtime.starting import start

LOG_SIZE = 8 << 20  # bytes of one log file; there are two
AFTER_THE_END = 1 << 20  # bytes that are still read when the container has ended


def main() -> None:
    """The process: what it is to do is in the file behind the descriptor sys.argv[1]."""
    with open(int(sys.argv[1]), "rb") as f:
        order = json.load(f)
    close_others(order.get("ready", -1))  # our caller may have left some open
    try:
        code = execute(order["spec"], order["exec"]) if "exec" in order else run(**order)
    except OSError as error:
        code = error.errno if error.errno in (NOT_FOUND, CANNOT_RUN) else FAILED
        report(f"minihv: {explain(error)}\n", order.get("ready", 2))
    os._exit(code)


def report(text: str, fd: int = 2) -> None:
    """Write to stderr, or to who waits."""
    with contextlib.suppress(OSError):
        os.write(fd, text.encode())


def explain(error: OSError) -> str:
    """Return in one line what failed, and how to get it if the host refused."""
    text = str(error.strerror or error)
    if "not permitted" in text or error.errno == 1:
        hint = "run as root" if os.getuid() else "this host forbids it even to root"
        return f"{text}: {hint}; `minihv doctor` shows what it allows"
    return text


def run(spec: Spec, ready: int | None = None) -> int:
    """Run a container with our own streams; or with none, and close `ready` once it runs. Return
    the exit status."""
    with signals_as_bytes() as alarms, contextlib.ExitStack() as stack:
        streams = Streams(stack, detached=ready is not None)
        running = start(spec, streams.theirs)
        for limit in running.limits.missing:
            report(f"minihv: the limit on {limit} is {running.limits.works[limit]}; run as root to "
                   "get one of the whole container\n")
        if spec["user"] and os.getuid() == 0:
            report("minihv: the image's files belong to nobody in here: to be read, not changed; "
                   "without --rootless they belong to root\n")
        if ready is not None:
            os.close(ready)
        if not spec["remove"] or ready is not None:  # else it is seen, and then gone
            streams.log = Log(running.folder / "log")
        try:
            streams.pump(alarms, running.pidfd)
        finally:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(running.pidfd, signal.SIGKILL)
            code = running.finish()
        return code


def execute(state: Spec, cmd: list[str]) -> int:
    """Run a command in a running container with our own streams; return its exit status."""
    with signals_as_bytes() as alarms, contextlib.ExitStack() as stack:
        streams = Streams(stack)
        child = enter(state, cmd, streams.theirs)
        streams.pump(alarms, os.pidfd_open(child))
        return exit_code(os.waitpid(child, 0)[1])


class Log:
    """What a container wrote: its latest 8 to 16 MiB, in `log` and, before that, `log.1`."""

    def __init__(self, path: Path):
        self.path = path
        self.file = open(path, "wb", buffering=0)

    def write(self, data: bytes) -> None:
        """Add to it; a full disk loses what does not fit."""
        with contextlib.suppress(OSError):
            if self.file.tell() + len(data) > LOG_SIZE:
                self.path.rename(f"{self.path}.1")
                self.file.close()
                self.file = open(self.path, "wb", buffering=0)
            self.file.write(data)


class Streams:
    """Between our stdin, stdout and stderr and `theirs`: routes from one descriptor to another."""

    def __init__(self, stack: contextlib.ExitStack, detached: bool = False):
        self.log: Log | None = None
        self.routes: dict[int, int] = {}  # source: target, -1 for the log alone
        self.pending: dict[int, bytes] = {}  # source: what its target has not taken yet
        self.master = -1
        own = not detached and in_foreground()
        if own and os.isatty(0) and os.isatty(1):
            self.master, slave = os.openpty()
            os.set_blocking(self.master, False)
            self.theirs, self.routes = (slave, slave, slave), {0: self.master, self.master: 1}
            self.resize()
            stack.callback(termios.tcsetattr, 0, termios.TCSADRAIN, termios.tcgetattr(0))
            tty.setraw(0)
            return
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        self.routes = {out: -1, err: -1} if detached else {out: 1, err: 2}
        if own and os.readlink("/proc/self/fd/0").startswith(("pipe:", "socket:")):
            stdin = 0  # nothing but this stream is behind it
        else:  # not /dev/null either: root inside could change the mode of the host's
            stdin, self.routes[0] = os.pipe()
            if not own:
                os.close(self.routes.pop(0))
        self.theirs = stdin, out_end, err_end

    def resize(self) -> None:
        """Tell the pseudoterminal how large ours is."""
        with contextlib.suppress(OSError):
            termios.tcsetwinsize(self.master, termios.tcgetwinsize(0))

    def pump(self, alarms: int, pidfd: int) -> None:
        """Carry data and signals until the process behind `pidfd` ends and its last output is out.
        Never blocks on one of them: what can be written at once is PIPE_BUF bytes (pipe(7))."""
        for fd in {*self.theirs} - {0}:
            os.close(fd)
        left = None  # bytes still to be read after its end
        while True:
            reads = [fd for fd in self.routes if not self.pending.get(fd)]
            writes = [self.routes[fd] for fd in self.routes if self.pending.get(fd)]
            ends = [pidfd] if left is None else []
            ready, free, _ = select.select([*reads, alarms, *ends], writes, [],
                                           None if left is None or writes else 0)
            if pidfd in ready:
                left = AFTER_THE_END
                self.routes.pop(0, None)
                continue
            if left is not None and (left <= 0 or not ready and not free):
                return
            if alarms in ready:
                self.alarm(os.read(alarms, 64), pidfd)
                if left is not None:
                    return
            for source in list(self.routes):
                if source in ready:
                    got = self.take(source)
                    left = left if left is None else left - got
                elif self.pending.get(source) and self.routes[source] in free:
                    self.give(source)

    def alarm(self, numbers: bytes, pidfd: int) -> None:
        """Pass signals on."""
        for number in numbers:
            if number == signal.SIGWINCH:
                self.resize()
            elif number in FORWARDED:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(pidfd, number)

    def take(self, source: int) -> int:
        """Read what is there; return how much. A source at its end is closed."""
        try:
            data = os.read(source, 1 << 16)
        except OSError:  # EIO: nobody has the other side of the pseudoterminal any more
            data = b""
        if not data:
            self.drop(source)
        elif self.log and source != 0:
            self.log.write(data)
        if data and self.routes[source] >= 0:
            self.pending[source] = data
        return len(data)

    def give(self, source: int) -> None:
        """Write a piece; if nobody reads any more, nobody is to write either."""
        data = self.pending[source]
        try:
            self.pending[source] = data[os.write(self.routes[source], data[:select.PIPE_BUF]):]
        except BlockingIOError:
            time.sleep(0.01)
        except OSError as error:
            if error.errno != errno.EPIPE:
                report(f"minihv: cannot write on: {error.strerror}\n")
            self.drop(source)

    def drop(self, source: int) -> None:
        """Close the container's side of a route; the pseudoterminal is both routes' side."""
        target = self.routes.pop(source)
        end = target if source == 0 else source
        if source == self.master:
            self.routes.pop(0, None)
        self.pending.pop(source, None)
        if end != self.master:
            os.close(end)


def in_foreground() -> bool:
    """Return False for a background job of a shell, which must not touch its terminal."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:  # no terminal, or not ours
        return True


@contextlib.contextmanager
def signals_as_bytes() -> Iterator[int]:
    """Turn each signal that we get into a byte with its number, read from the descriptor given."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for number in (*FORWARDED, signal.SIGWINCH):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    yield reader
