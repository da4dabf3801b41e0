"""`minihv run` on a terminal: raw mode, Ctrl-A, and the terminal as it was afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from types import SimpleNamespace

import pytest

from minihv.hw import engine, warmup
from minihv.tools import terminal
from tests.cli.command import elf, read_until, start
from tests.devices.programs import ECHO

termios = pytest.importorskip("termios")
pty = pytest.importorskip("pty")
PYTHON = ("--engine", "python")
# Prints each byte's code as two hex digits: control characters become visible.
HEX = ECHO.replace(
    """    sb a1, 0(s0)
    sb a1, 0(s0)
    sw t2""",
    """    la a4, digits
    srli a2, a1, 4
    add a2, a2, a4
    lbu a2, 0(a2)
    sb a2, 0(s0)
    andi a2, a1, 15
    add a2, a2, a4
    lbu a2, 0(a2)
    sb a2, 0(s0)
    sw t2""",
) + '\ndigits: .ascii "0123456789abcdef"\n'


@pytest.fixture
def session(tmp_path):
    """A guest that answers keys, on a terminal of its own: (process, our side of it, settings)."""
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    process = start("run", *PYTHON, elf(tmp_path, HEX), stdin=theirs, stdout=theirs,
                    stderr=subprocess.PIPE, start_new_session=True)  # fmt: skip
    read_until(ours, b">")
    yield process, ours, theirs, before
    process.kill()
    process.communicate()
    os.close(ours)
    os.close(theirs)


def test_keys_reach_the_guest_at_once_and_unechoed(session):
    process, ours, theirs, _ = session
    for key, answer in ((b"a", b"61"), (b"\r", b"0d"), (b"\n", b"0a"), (b"\x03", b"03"),
                        (b"\x04", b"04"), (b"\x1a", b"1a"), (b"\x11", b"11")):  # fmt: skip
        os.write(ours, key)
        assert read_until(ours, answer) == answer  # and nothing before it
    os.write(ours, b"q")
    assert process.wait() == 5
    assert process.stderr.read() == b""


def test_the_mode_is_raw_but_output_keeps_its_line_ends(session):
    *_, theirs, _ = session
    now = termios.tcgetattr(theirs)
    assert not now[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
    assert now[1] & termios.OPOST


def test_ctrl_a_x_quits_and_restores(session):
    process, ours, theirs, before = session
    os.write(ours, b"\x01x")
    assert process.wait() == 0
    assert termios.tcgetattr(theirs) == before


def test_ctrl_a_is_an_escape(session):
    process, ours, _, _ = session
    os.write(ours, b"\x01\x01")
    assert read_until(ours, b"01") == b"01"
    os.write(ours, b"\x01a")
    assert read_until(ours, b"01") == b"01"
    os.write(ours, b"\x01?x")  # help for one key, then a plain x
    assert read_until(ours, b"78") == b"78"
    assert b"Ctrl-A x quits" in process.stderr.read1()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_ended_restores(session, number):
    process, _, theirs, before = session
    process.send_signal(number)
    assert process.wait() == 128 + number
    assert termios.tcgetattr(theirs) == before


def test_an_exit_restores(session):
    process, ours, theirs, before = session
    os.write(ours, b"q")
    process.wait()
    assert termios.tcgetattr(theirs) == before


def test_a_terminal_that_goes_away_is_the_end_of_input(tmp_path):
    ours, theirs = pty.openpty()
    process = start("run", *PYTHON, elf(tmp_path, HEX), stdin=theirs, start_new_session=True)
    os.close(theirs)
    read_until(process.stdout.fileno(), b">")
    os.close(ours)
    _, errors = process.communicate()
    assert process.returncode == 125, errors


# --- progress -------------------------------------------------------------------------------------


class Screen:
    """A stream that may be a terminal."""

    def __init__(self, is_terminal: bool):
        self.isatty = lambda: is_terminal
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_progress_is_a_bar_on_a_terminal_and_goes_away():
    screen = Screen(True)
    show = terminal.compiling(screen)
    for done in (0.0, 0.5, 1.0):
        show(done)
    assert "[###############...............]  50%" in screen.text
    assert "\n" not in screen.text and screen.text.endswith("\r\033[K")


def test_progress_is_one_line_elsewhere():
    screen = Screen(False)
    show = terminal.compiling(screen)
    for done in (0.0, 0.5, 1.0):
        show(done)
    assert screen.text.count("\n") == 1 and "compiling the machine" in screen.text


def test_without_a_cache_it_does_not_say_once(monkeypatch):
    monkeypatch.setattr(engine, "kept_cache", lambda: None)
    screen = Screen(False)
    terminal.compiling(screen)(0.0)
    assert "for this run only" in screen.text and "once" not in screen.text


def test_the_meter_rises_with_what_is_done():
    now = 0.0
    meter = warmup.Meter(lambda: now)
    assert meter.fraction() == 0 and not meter.started
    seen = []
    for _, seconds in warmup.STEPS:
        meter.step()
        for _ in range(5):
            seen.append(meter.fraction())
            now += seconds / 2  # it takes longer here
    assert seen == sorted(seen)
    assert 0.9 < seen[-1] < 1


def test_warming_reports_a_compilation_and_nothing_else(tmp_path, monkeypatch):
    pytest.importorskip("llvmlite")
    monkeypatch.setenv("MINIHV_CACHE", str(tmp_path))
    monkeypatch.setattr(engine.MACHINE, "_linked", {})
    monkeypatch.setattr(engine, "compiled", lambda text, level, step: slow(step))

    def slow(step) -> bytes:
        step()
        time.sleep(3 / warmup.REPORTS)
        return b"an object"

    told: list[float] = []
    monkeypatch.setattr(engine, "link", lambda data, names: {"run": data})
    warmup.warm(told.append)
    assert told[-1] == 1.0 and told == sorted(told) and len(told) > 1
    told.clear()
    monkeypatch.setattr(engine.MACHINE, "_linked", {})
    warmup.warm(told.append)  # nothing to compile
    assert told == []


def test_what_the_guest_does_not_read_is_left_where_it_is():
    """Else a guest that never reads would have this process keep all of a long input."""
    console = SimpleNamespace(queued=lambda: terminal.QUEUE)
    ours, theirs = os.pipe()
    keyboard = terminal.Input(SimpleNamespace(console=console, poll=None), ours)
    os.write(theirs, b"later")
    assert keyboard.poll() == b""
    console.queued = lambda: terminal.QUEUE - 1
    assert keyboard.poll() == b"later"
    os.close(ours)
    os.close(theirs)
