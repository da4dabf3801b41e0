"""`minihv debug`: every command, piped; and no traceback whatever is typed."""

from __future__ import annotations

import os
import random
import signal

import pytest

from minihv import cli, guests
from minihv.devices.virt import Machine
from minihv.tools.debug.commands import COMMANDS
from minihv.tools.debug.prompt import ALIASES, Debugger
from tests.cli.command import elf, read_until, run, start
from tests.devices import programs


class Talk:
    """A debugger, and what it answers to each command."""

    def __init__(self, machine: Machine):
        self.lines: list[str] = []
        self.debugger = Debugger(machine, self.lines.append)
        self.machine = machine

    def __call__(self, command: str) -> str:
        self.lines.clear()
        assert self.debugger.do(command)
        return "\n".join(self.lines)


@pytest.fixture
def loop():
    return Talk(programs.machine(programs.LOOP, "python"))


@pytest.fixture
def paged():
    return Talk(programs.machine(programs.PAGED, "python", "s"))


def test_step_shows_what_happened(loop):
    assert "auipc t0" in loop("step") and "at tick 1" in loop("where")
    loop("break here")
    assert loop("continue").startswith("breakpoint")
    answer = loop("step")
    assert "-> Breakpoint (tval 0x8" in answer and "<handler>" in answer
    assert loop("step 100").count("=>") == 1  # many steps: only where they end


def test_forth_and_back(loop):
    loop("step 10")
    there = loop("where")
    assert loop("step 7") != there
    assert loop("back 7") == there
    assert loop("goto 0").startswith("at tick 0, trap 0: <_start>")
    assert "the timeline begins here" in loop("back 3")
    assert loop("goto 10 0") == there


def test_breakpoints_both_ways(loop):
    loop("break add")
    hits = [loop("c") for _ in range(3)]
    assert all(hit.startswith("breakpoint\nat tick ") and "<add>" in hit for hit in hits)
    assert loop("reverse-continue") == hits[1]
    assert loop("rc") == hits[0]
    assert loop("break").startswith("break 0x80000") and "<add>" in loop("break")
    loop("delete add")
    assert loop("break") == "nothing stops"
    assert "the guest ended itself, status 7" in loop("continue")
    assert "begins here" in loop("rc")


def test_watchpoints(loop):
    assert "watching guest-physical 0x" in loop("watch data 8 w")
    assert loop("c").startswith("watchpoint") and "sd a0, 0(s1)" in loop("where")
    loop("delete data")
    loop("watch mscratch")
    assert loop("c").startswith("watchpoint") and "csrw mscratch, t2" in loop("where")
    assert loop("break") == "watch mscratch"
    loop("delete all")
    assert loop("break") == "nothing stops"


def test_a_watch_takes_a_virtual_or_a_physical_address(paged):
    assert "0x80201" in paged("watch cell") or "0x8020" in paged("watch cell")
    assert "Load access fault" not in paged("watch p:0x80000000 4 rw")
    assert "not in RAM" in paged("watch p:0x10000000")
    paged("watch p:0x80000008")
    assert paged("break").splitlines()[-1] == "watch p:0x80000008 8 w"  # unless told otherwise


def test_registers_and_csrs(loop):
    loop("step 4")
    answer = loop("registers")
    assert f"s0 {50:016x}" in answer and "mode M" in answer
    assert "MPP=0x3 (M)" in loop("csrs mstatus") or "MPP=0x0 (U)" in loop("csrs mstatus")
    assert "mtvec" in loop("csrs") and "BASE=" in loop("csrs mtvec")
    assert "no CSR named" in loop("csrs nonsense")


def test_walk_explains(paged):
    paged("break there")
    paged("c")
    answer = paged("walk pc fetch")
    assert "level 2: table 0x8020" in answer and "1 GiB superpage" in answer
    assert "translated to RAM" in answer.splitlines()[-1]
    assert "V is 0" in paged("walk 0x1000")
    assert "bit 38" in paged("walk 1+0x8000000000 write")
    assert "say: walk" in paged("walk 0 execute")


def test_memory_and_code(loop):
    assert loop("x _start 20").count("\n") == 1
    assert "?? ?? ?? ??" in loop("x 0x10000000 4")
    assert loop("x p:0x80000000 4") == loop("x _start 4")
    assert "is not a number from 1 to 4096" in loop("x 0 5000")
    assert loop("disassembly handler 2").count("\n") == 1
    assert loop("dis").startswith("=> 0000000080000000")
    assert "cannot be fetched" in loop("dis 0x10") or "no code can be fetched" in loop("dis 0x10")


def test_numbers_are_sums(loop):
    loop("step 3")
    pc = loop.machine.harts[0].pc
    assert f"{pc + 2:#x}" in loop("walk pc+2").replace("0x00000000", "0x")
    assert f"{pc:#x}" in loop("walk _start+0x10-16+pc-_start")
    assert "no number, register, CSR or symbol" in loop("walk nowhere")
    assert "0xffffffffffffffff" in loop("walk 0-1")


def test_input_and_console():
    talk = Talk(programs.machine(programs.ECHO, "python"))
    assert talk("c").startswith("| >\nevery hart waits for an event")
    talk("input ab")
    assert talk("c").startswith("| aabb\n| \n")  # and the line's end, doubled
    talk("i q")
    assert "the guest ended itself, status 5" in talk("c")
    assert talk("console").splitlines() == ["| >aabb", "| ", "| qq"]
    talk("goto 5")
    assert talk("console") == ""


def test_harts():
    talk = Talk(Machine(8 << 20, 3, "python").load(guests.path("hello")))
    assert talk("hart").count("hart ") == 3
    talk("hart 2")
    assert "hart 2 of 3" in talk("where")
    assert "harts 0 to 2" in talk("hart 3")
    talk("hart turn")
    assert "hart 0 of 3" in talk("where")


def test_what_is_typed_wrong_is_named(loop):
    for command, words in {
        "fly": "is no command", "re": "is registers or reverse-continue" , "step x": "no number",
        "step 0": "from 1", "step -1": "from 1", "break 3": "even addresses",
        "delete 0x4": "no watchpoint", "goto": "say which", "watch": "say what",
        "back 99999999999999999999": "is not a number", "x": "say where", "delete": "say what",
    }.items():  # fmt: skip
        answer = loop(command)
        assert words in answer or command.startswith("re"), (command, answer)
        assert answer.count("\n") == 0
    assert "reverse-continue" in loop("help") and "quit" in loop("help")
    assert loop("") == loop("# a remark") == ""


def test_no_line_ends_in_an_exception(loop):
    """Every command with odd arguments, and plain noise."""
    chance = random.Random(4)
    words = ["0", "-1", "pc", "sp+8", "data", "p:0x80000000", "p:", "0x", "18446744073709551616",
             "1e9", "mstatus", "x99", "r", "rw", "all", "fetch", "'", '"', "\\", "+", "--", "$a0",
             "é", "\x00", "\ud800", "½", "٣", "a" * 500, "0x80000001", "turn"]  # fmt: skip
    names = [name for name in [*COMMANDS, *ALIASES] if ALIASES.get(name) != "quit"]
    for _ in range(600):
        line = " ".join([chance.choice(names), *chance.choices(words, k=chance.randrange(4))])
        loop.machine.stops.clear()
        loop(line)
    for _ in range(300):
        loop("".join(chance.choices("abcxyz ()[]{}'\"\\$%0123;|&<>\t\x7f\x1b", k=12)))


# --- as a process ---------------------------------------------------------------------------------


def test_piped_commands(tmp_path):
    path = elf(tmp_path, programs.LOOP)
    commands = b"break add\nc\nnonsense\nback\nquit\nstep\n"
    done = run("debug", "--engine", "python", path, stdin=commands)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode()
    assert text.startswith("at tick 0, trap 0: <_start>\n=> M 0x0000000080000000")
    assert "(minihv) c\nbreakpoint\n" in text and "nonsense: is no command" in text
    assert "(minihv) quit" in text and "(minihv) step" not in text


def test_the_end_of_input_ends_it(tmp_path):
    done = run("debug", "--engine", "python", elf(tmp_path, programs.LOOP), stdin=b"step")
    assert done.returncode == 0 and b"at tick 1" in done.stdout


def test_ctrl_c_stops_the_guest_and_not_the_debugger(tmp_path):
    command = ("debug", "--engine", "python", elf(tmp_path, "_start: j _start\n"))
    with start(*command) as process:
        out = process.stdout.fileno()
        process.stdin.write(b"continue\n")
        process.stdin.flush()
        read_until(out, b"(minihv) continue\n")
        process.send_signal(signal.SIGINT)
        read_until(out, b"interrupted\n")
        process.stdin.write(b"registers\n")
        process.stdin.close()
        assert process.wait() == 0
        assert b"mode M" in process.stdout.read()


def test_a_reader_that_goes_away_ends_it(tmp_path):
    with start("debug", "--engine", "python", elf(tmp_path, programs.LOOP)) as process:
        os.read(process.stdout.fileno(), 1)
        process.stdout.close()
        process.stdin.write(b"help\n" * 2000)
        process.stdin.close()
        assert process.wait() == 141
        assert process.stderr.read() == b""


def test_debug_of_a_real_guest(capfd, monkeypatch):
    commands = iter(["break main", "c", "step 3", "c", "rc", "quit"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(commands))
    assert cli.main(["debug", "--engine", "python", str(guests.path("hello"))]) == 0
    out = capfd.readouterr().out
    assert "| Hello from a RISC-V guest!" in out
    assert out.count("<main>") >= 2
