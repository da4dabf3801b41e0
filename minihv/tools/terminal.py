"""Where a guest's console meets this process: stdin, stdout, raw mode, messages, progress."""

from __future__ import annotations

import os
import select
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from minihv.errors import ImageError

if TYPE_CHECKING:
    from minihv.devices.virt import Machine

INTERRUPTED, CLOSED = 130, 141  # exit statuses: after Ctrl-C, and when nobody reads stdout any more
ESCAPE = 0x01  # Ctrl-A
HELP = b"\r\nCtrl-A x quits, Ctrl-A Ctrl-A sends Ctrl-A\r\n"
CHUNK = 4096
QUEUE = 1 << 16  # bytes that the guest has not read: more are left where they are
TICKS_PER_SECOND = 1e8  # of guest time: ten ticks of the 10 MHz timebase
LONGEST_PAUSE = 0.1  # s
BAR = 30


def one_line(text: object) -> str:
    """Return `text` without line ends and other controls, which a file's name may bring."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def say(message: object) -> None:
    """A message of minihv itself, in one line on stderr."""
    if sys.stderr is not None:
        print(f"minihv: {one_line(message)}", file=sys.stderr, flush=True)


def check_file(path: Path) -> None:
    """ImageError if `path` cannot be read or, like /dev/zero, has no end."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        names = "" if path.suffix or path.parent.name else "; guests by name: minihv run --help"
        raise ImageError(f"{path}: cannot be read ({reason}){names}") from None
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise ImageError(f"{path}: is a device, not a file")


# --- the guest's console ------------------------------------------------------------------------


class Quit(Exception):
    """The user asked to end: Ctrl-A x."""


class Closed(Exception):
    """Nobody reads stdout any more."""


def write_stdout(data: bytes) -> None:
    """Write all of `data` to stdout, at once; Closed if its reader is gone."""
    try:
        while data:
            data = data[os.write(1, data) :]
    except BrokenPipeError:
        raise Closed from None


class Input:
    """The guest's input from file descriptor `fd`: what there is, without waiting for more."""

    def __init__(self, machine: Machine, fd: int):
        self._machine, self._fd = machine, fd
        machine.poll = self.poll

    def poll(self) -> bytes:
        """Return what bytes have come in; after the end of the input the machine is not to ask."""
        if self._machine.console.queued() >= QUEUE or not self._ready(self.pause()):
            return b""
        data = self._read()
        if not data:
            self._machine.poll = None
        return self.translate(data)

    def wait(self) -> None:
        """Wait for input, or its end. What the guest leaves unread must not block us for ever."""
        if self._machine.console.queued() >= QUEUE:
            self._machine.poll = None
        else:
            self._ready(None)

    def pause(self) -> float:
        """Return the seconds to wait for input each time; none for pipes and files."""
        return 0

    def translate(self, data: bytes) -> bytes:
        """Return what the guest gets of `data`."""
        return data

    def _ready(self, seconds: float | None) -> bool:
        return bool(select.select([self._fd], [], [], seconds)[0])

    def _read(self) -> bytes:
        try:
            return os.read(self._fd, CHUNK)
        except OSError:  # the terminal is gone
            return b""


class Keyboard(Input):
    """A terminal in raw mode: every key is the guest's, but for Ctrl-A."""

    _escaped = False

    def pause(self) -> float:
        """While the guest waits for a timer, so do we: an idle guest leaves the host idle."""
        harts = self._machine.harts
        if not all(hart.waiting for hart in harts if hart.status != "stopped"):
            return 0
        due = min(hart.deadline for hart in harts)
        return min(max(due - harts[0].clock, 0) / TICKS_PER_SECOND, LONGEST_PAUSE)

    def translate(self, data: bytes) -> bytes:
        """Take our own keys out; Quit for Ctrl-A x."""
        kept = bytearray()
        for byte in data:
            if self._escaped:
                self._escaped = False
                if byte in b"xX":
                    raise Quit
                if byte in (ESCAPE, ord("a")):
                    kept.append(ESCAPE)
                else:
                    os.write(2, HELP)
            elif byte == ESCAPE:
                self._escaped = True
            else:
                kept.append(byte)
        return bytes(kept)


@contextmanager
def console_of(machine: Machine) -> Iterator[Input | None]:
    """Give `machine` this process's stdout, and stdin if it is open: a terminal in raw mode."""
    if sys.stdout is not None:  # None: closed, and descriptor 1 may be another file by now
        machine.console.sink = write_stdout
    if sys.stdin is None or os.name != "posix":
        yield None
    elif not os.isatty(0):
        yield Input(machine, 0)
    else:
        with _raw_mode(0):
            yield Keyboard(machine, 0)


@contextmanager
def _raw_mode(fd: int) -> Iterator[None]:
    """Get keys as they are typed; output keeps its line ends. Undone however we end."""
    import termios

    before = termios.tcgetattr(fd)
    raw = termios.tcgetattr(fd)
    raw[0] &= ~(termios.BRKINT | termios.ICRNL | termios.INLCR | termios.IGNCR | termios.ISTRIP
                | termios.IXON)  # fmt: skip
    raw[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN | termios.ISIG)
    raw[6][termios.VMIN], raw[6][termios.VTIME] = 1, 0
    handlers = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP)}
    termios.tcsetattr(fd, termios.TCSADRAIN, raw)
    try:
        yield
    finally:
        try:
            termios.tcsetattr(fd, termios.TCSADRAIN, before)
        except termios.error:
            pass  # the terminal is gone
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


# --- progress -----------------------------------------------------------------------------------


def drawn_bar(done: float) -> str:
    """Return a bar that is full when `done` is 1."""
    full = int(done * BAR)
    return f"[{'#' * full}{'.' * (BAR - full)}]"


def compiling(stream: TextIO) -> Callable[[float], None]:
    """Return what shows the part of the compilation that is done: a bar on a terminal, elsewhere
    one line."""
    from minihv.hw.engine import kept_cache

    begun = False
    what = "compiling the machine for this host, once"
    if kept_cache() is None:
        what = ("compiling the machine, for this run only (MINIHV_CACHE names no folder in which "
                "you, and only you, may write)")  # fmt: skip

    def show(done: float) -> None:
        nonlocal begun
        if stream.isatty():
            text = f"\rminihv: {what}: {drawn_bar(done)} {done:4.0%}"
            print("\r\033[K" if done >= 1 else text, end="", file=stream, flush=True)
        elif not begun:
            print(f"minihv: {what}: this takes 2 to 10 s", file=stream, flush=True)
        begun = True

    return show
