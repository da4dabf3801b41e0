"""`minihv run`: exit status, end reason, counts, input and output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from minihv import guests
from tests.cli.command import elf, one_line, read_until, run, start
from tests.devices.programs import ECHO

# Most guests here run some ten instructions: plain Python starts sooner.
PYTHON = ("--engine", "python")
FOREVER = "_start: j _start\n"
PRINT_FOREVER = "_start: li t0, 0x10000000\n li a0, 'x'\n again: sb a0, 0(t0)\n j again\n"


def finisher(value: int) -> str:
    return f"_start: li t0, 0x100000\n li t1, {value}\n sw t1, 0(t0)\n j .\n"


def htif(value: int) -> str:
    return (f"_start: la t0, tohost\n li t1, {value}\n sd t1, 0(t0)\n j .\n"
            ".data\n.align 6\ntohost: .dword 0, 0\n")  # fmt: skip


def sbi(extension: int, *arguments: int) -> str:
    loads = "".join(f" li a{k}, {value}\n" for k, value in enumerate(arguments))
    return f"_start: li a7, {extension}\n li a6, 0\n{loads} ecall\n j .\n"


STATUSES = [
    (finisher(0x5555), 0), (finisher(0x3333), 1), (finisher(0x3333 | 3 << 16), 3),
    (finisher(0x3333 | 255 << 16), 255), (finisher(0x3333 | 300 << 16), 255),
    (htif(1), 0), (htif(7), 3), (htif(2 * 255 + 1), 255), (htif(2 * 4000 + 1), 255),
    (sbi(0x53525354, 0, 0), 0), (sbi(0x53525354, 0, 1), 1), (sbi(8), 0),
    ("_start: wfi\n j _start\n", 125),
]  # fmt: skip


@pytest.mark.parametrize("source,status", STATUSES)
def test_exit_status(source, status, tmp_path, monkeypatch):
    boot = "s" if "ecall" in source else "m"
    done = run("run", *PYTHON, "--boot", boot, elf(tmp_path, source))
    assert done.returncode == status
    assert done.stdout == b""
    if status == 125:
        assert "waits for an event" in one_line(done.stderr)
    else:
        assert done.stderr == b""


def test_hello_by_both_engines():
    outputs = []
    for engine in ("jit", "python"):
        done = run("run", "--engine", engine, guests.path("hello"))
        assert done.returncode == 0
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert outputs[0].startswith(b"Hello from a RISC-V guest!\n")


def test_the_budget_ends_a_run(tmp_path):
    stats = tmp_path / "stats.json"
    path = elf(tmp_path, FOREVER)
    done = run("run", *PYTHON, "--max-instructions", 1234, "--stats", stats, path)
    assert done.returncode == 124
    assert "1234 instructions" in one_line(done.stderr)
    found = json.loads(stats.read_text())
    assert found["instructions"] == 1234
    assert (found["end_reason"], found["exit_status"]) == ("budget", 124)


def test_a_budget_that_is_enough_changes_nothing(tmp_path):
    path = elf(tmp_path, finisher(0x3333 | 9 << 16))
    assert run("run", *PYTHON, "--max-instructions", "1000000", path).returncode == 9


def test_stats_have_their_fields_and_tell_a_guests_124_from_ours(tmp_path):
    stats = tmp_path / "stats.json"
    path = elf(tmp_path, finisher(0x3333 | 124 << 16))
    assert run("run", *PYTHON, "--stats", stats, path).returncode == 124
    found = json.loads(stats.read_text())
    assert list(found) == ["instructions", "exits", "seconds", "mips", "engine", "mode",
                           "exit_status", "end_reason"]  # fmt: skip
    assert (found["exit_status"], found["end_reason"]) == (124, "exit")
    assert (found["engine"], found["mode"], found["exits"]) == ("python", "bare", {"mmio": 1})
    assert found["seconds"] > 0 and found["mips"] >= 0


@pytest.mark.parametrize("name", ["hello-s", "timer"])
def test_stats_are_the_same_on_both_engines(name, tmp_path):
    counts = []
    for engine in ("jit", "python"):
        stats = tmp_path / engine
        run("run", "--engine", engine, "--harts", 2, "--stats", stats, guests.path(name))
        found = json.loads(stats.read_text())
        counts.append((found["instructions"], found["exits"], found["end_reason"]))
    assert counts[0] == counts[1]


def test_trace_shows_instructions_registers_and_traps(tmp_path):
    source = ("_start: la t0, handler\n csrw mtvec, t0\n li a0, 5\n .half 0\n.align 2\n"
              "handler: li a0, 6\n j exit\n")  # fmt: skip
    done = run("run", *PYTHON, "--trace", 6, elf(tmp_path, source))
    assert done.returncode == 6
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 7  # six instructions and the trap
    assert lines[3].startswith("M 0x000000008000000c  00500513  li a0, 5 ")
    assert lines[3].endswith(" a0=0x5")
    assert "Illegal instruction (tval 0x0), handled in M-mode at 0x80000014" in lines[4]
    assert lines[5].endswith("a0=0x6")


def test_trace_ends_with_the_guest_and_keeps_to_the_budget(tmp_path):
    path = elf(tmp_path, finisher(0x5555))
    assert len(run("run", *PYTHON, "--trace", 99, path).stderr.splitlines()) == 4
    done = run("run", *PYTHON, "--trace", 99, "--max-instructions", 2, path)
    assert done.returncode == 124 and len(done.stderr.splitlines()) == 3


def test_memory_append_and_harts_reach_the_guest():
    done = run("run", *PYTHON, "--memory", "0x4000000", "--append", "root=/dev/null ro", "--harts",
               3, guests.path("hello-s"))  # fmt: skip
    assert b"bootargs: root=/dev/null ro\n" in done.stdout
    assert b"memory:   64 MiB" in done.stdout


# --- input and output -----------------------------------------------------------------------------


def test_piped_input_reaches_the_guest(tmp_path):
    done = run("run", *PYTHON, elf(tmp_path, ECHO), stdin=b"abq")
    assert (done.returncode, done.stdout, done.stderr) == (5, b">aabbqq", b"")


def test_input_that_ends_leaves_a_waiting_guest_in_deadlock(tmp_path):
    done = run("run", *PYTHON, elf(tmp_path, ECHO), stdin=b"ab")
    assert (done.returncode, done.stdout) == (125, b">aabb")
    assert "waits for an event" in one_line(done.stderr)


@pytest.mark.parametrize("size", [5_000, 90_000])
def test_much_input(tmp_path, size):
    done = run("run", elf(tmp_path, ECHO), stdin=b"a" * size + b"q")
    assert done.returncode == 5
    assert done.stdout == b">" + b"a" * (2 * size) + b"qq"


def test_input_that_nobody_reads_is_no_obstacle(tmp_path):
    deaf = ECHO.replace("sb t0, 1(s0)", "nop")
    done = run("run", *PYTHON, elf(tmp_path, deaf), stdin=b"a" * 200_000)
    assert (done.returncode, done.stdout) == (125, b">")


def test_a_guest_is_known_by_its_name_unless_there_is_such_a_file(tmp_path, monkeypatch):
    assert guests.file_or_guest("hello") == guests.path("hello")
    assert b"Hello from a RISC-V guest!" in run("run", *PYTHON, "hello").stdout
    (tmp_path / "hello").touch()
    monkeypatch.chdir(tmp_path)
    assert guests.file_or_guest("hello") == Path("hello")
    assert guests.file_or_guest("nonsense") == Path("nonsense")


def test_a_conversation_over_pipes(tmp_path):
    with start("run", *PYTHON, elf(tmp_path, ECHO)) as process:
        out, keys = process.stdout.fileno(), process.stdin
        read_until(out, b">")
        for key in (b"a", b"b"):
            keys.write(key)
            keys.flush()
            read_until(out, key + key)
        keys.write(b"q")
        keys.close()
        assert process.wait() == 5


def test_no_stdin_at_all(tmp_path):
    with start("run", *PYTHON, elf(tmp_path, ECHO), preexec_fn=lambda: os.close(0)) as process:
        assert process.wait() == 125


def test_no_stdout_at_all(tmp_path):
    stats = tmp_path / "stats.json"
    command = ("run", *PYTHON, "--stats", stats, guests.path("hello"))
    with start(*command, preexec_fn=lambda: os.close(1)) as process:
        assert process.wait() == 0
    assert json.loads(stats.read_text())["end_reason"] == "exit"


def test_a_reader_that_goes_away_ends_the_run_quietly(tmp_path):
    stats = tmp_path / "stats.json"
    path = elf(tmp_path, PRINT_FOREVER)
    with start("run", *PYTHON, "--stats", stats, path) as process:
        read_until(process.stdout.fileno(), b"x" * 10)
        process.stdout.close()
        assert process.wait() == 141
        assert process.stderr.read() == b""
    assert json.loads(stats.read_text())["end_reason"] == "closed"


def test_a_full_disk_is_named(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("this host has no /dev/full")
    with open("/dev/full", "wb") as full:
        process = start("run", *PYTHON, elf(tmp_path, PRINT_FOREVER), stdout=full)
        _, errors = process.communicate()
    assert process.returncode == 2
    assert "No space left" in one_line(errors)


@pytest.mark.parametrize("source", [PRINT_FOREVER, ECHO])
def test_ctrl_c_ends_a_run_cleanly(source, tmp_path):
    """The second guest waits for input that does not come: so do we, in the host's kernel."""
    stats = tmp_path / "stats.json"
    with start("run", *PYTHON, "--stats", stats, elf(tmp_path, source)) as process:
        os.read(process.stdout.fileno(), 1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert one_line(errors) == "minihv: interrupted"
    assert json.loads(stats.read_text())["end_reason"] == "interrupted"


def test_ctrl_c_ends_compiled_code(tmp_path):
    source = "_start: li t0, 0x10000000\n li a0, 'x'\n sb a0, 0(t0)\n again: j again\n"
    with start("run", "--engine", "jit", elf(tmp_path, source)) as process:
        read_until(process.stdout.fileno(), b"x")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130


def test_the_installed_command_and_the_module_are_one():
    installed = os.path.join(os.path.dirname(sys.executable), "minihv")
    done = subprocess.run([installed, "--version"], capture_output=True)
    assert done.stdout == run("--version").stdout == b"minihv 0.1.0\n"


def test_without_a_home_to_write_to_the_cache_lasts_as_long_as_the_process(tmp_path):
    (tmp_path / "file").touch()
    env = os.environ | {"HOME": str(tmp_path / "file"), "TMPDIR": str(tmp_path)}
    for name in ("MINIHV_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        env.pop(name, None)
    code = "from minihv.hw.engine import cache_folder as f; assert f() == f() and f().is_dir()"
    code += "; print(f().parent)"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, timeout=240)
    assert done.stdout.decode().strip() == str(tmp_path), done.stderr.decode()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
