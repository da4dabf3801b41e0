"""A container in the foreground: its output is ours, our signals are its own."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Iterator

from minihv.containers.linux.runtime.first import FORWARDED, Spec
from minihv.containers.linux.runtime.records import Running
from minihv.containers.linux.runtime.starting import start


def run_attached(spec: Spec, started: Callable[[Running], None] = lambda running: None) -> int:
    """Run with our own stdin; copy the output to ours and to the log; pass signals on. Return the
    exit status."""
    with signals_as_bytes() as alarms, contextlib.ExitStack() as stack:
        out, out_write = os.pipe()
        err, err_write = os.pipe()
        running = start(spec, (0, out_write, err_write))
        os.close(out_write)
        os.close(err_write)
        started(running)
        path = os.devnull if spec["remove"] else running.folder / "log"
        log = stack.enter_context(open(path, "ab"))
        pump({out: 1, err: 2}, alarms, running.pidfd, log.fileno())
        os.close(out)
        os.close(err)
        return running.finish()


def pump(pipes: dict[int, int], alarms: int, pidfd: int, log: int) -> None:
    """Until the container ends, and its last output is out."""
    ended = False
    while True:
        ready = select.select([*pipes, alarms, *([] if ended else [pidfd])], [], [],
                              0 if ended else None)[0]
        if ended and not set(ready) & set(pipes):
            return
        for fd in ready:
            if fd == pidfd:
                ended = True
            elif fd == alarms:
                for number in os.read(alarms, 64):
                    with contextlib.suppress(ProcessLookupError):
                        signal.pidfd_send_signal(pidfd, number)
            elif data := os.read(fd, 65536):
                write_all(pipes[fd], data)
                write_all(log, data)
            else:
                del pipes[fd]


def write_all(fd: int, data: bytes) -> None:
    """Write all; a reader that went away does not matter."""
    with contextlib.suppress(BrokenPipeError):
        while data:
            data = data[os.write(fd, data):]


@contextlib.contextmanager
def signals_as_bytes() -> Iterator[int]:
    """Turn each signal that we get into a byte with its number, read from the descriptor given."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    old = {s: signal.signal(s, lambda *_: None) for s in FORWARDED}
    wakeup = signal.set_wakeup_fd(writer)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in old.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
