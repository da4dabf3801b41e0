"""The guests on our own machine: the same console as on QEMU, from both engines alike."""

import subprocess
import sys

import pytest

from minihv import guests
from minihv.devices import virt
from tests.guests import console, elf

SMALL = ("hello", "timer", "paging", "exits")       # short enough for the plain-Python engine
BUDGET = 1_000_000_000                              # finite: no guest needs half of it


def run(image, engine: str = "jit", **options):
    """The machine after the guest's run, and how that ended."""
    machine = virt.Machine(memory=128 << 20, engine=engine, **options)
    machine.load(image, append=console.BOOTARGS)
    end = machine.run(max_instructions=BUDGET)
    return machine, end


def check(name: str, machine, end) -> None:
    assert console.mismatch(console.expected(name), machine.console.output.decode()) is None
    assert (end.reason, end.exit_status) == ("exit", 0)


@pytest.mark.parametrize("name", [*console.M_MODE, *console.S_MODE])
def test_compiled_engine(name):
    machine, end = run(guests.path(name))
    check(name, machine, end)
    if name.startswith("bench-"):       # as long as promised to whoever measures with them
        assert 200_000_000 <= machine.instructions <= 400_000_000


@pytest.mark.parametrize("name", [*SMALL, *console.S_MODE])
def test_both_engines_alike(name):
    plain, end = run(guests.path(name), "python")
    check(name, plain, end)
    compiled, _ = run(guests.path(name))
    assert plain.console.output == compiled.console.output      # the timer's numbers too
    assert plain.instructions == compiled.instructions
    assert plain.exits == compiled.exits


@pytest.mark.parametrize("engine", ["jit", "python"])
def test_time_is_the_same_on_every_host(engine):
    """The deltas of mtime and instret that vary on QEMU are exact here, and recorded."""
    machine, _ = run(guests.path("timer"), engine)
    recorded = console.expected("timer.minihv")
    assert "{" not in recorded
    assert console.mismatch(recorded, machine.console.output.decode()) is None


def test_the_board_offers_the_debug_console():
    machine, _ = run(guests.path("hello-s"))
    assert b"the firmware's debug console\nmodel:    minihv" in machine.console.output


@pytest.mark.parametrize("engine", ["jit", "python"])
def test_svade_leaves_a_and_d_to_the_handler(engine):
    machine, end = run(guests.path("paging"), engine, svade=True)
    text = console.expected("paging").replace("the hardware", "the fault handler (Svade)")
    assert console.mismatch(text, machine.console.output.decode()) is None
    assert end.exit_status == 0


@pytest.mark.parametrize("engine", ["jit", "python"])
def test_a_broken_guest_is_reported(engine, tmp_path):
    machine, end = run(elf.broken_paging(tmp_path), engine)
    assert (end.reason, end.exit_status) == ("exit", 1)
    assert b"  FAIL  a fetch gets a page of code" in machine.console.output


def test_other_harts_stay_out_of_the_way():
    check("hello", *run(guests.path("hello"), harts=4))
    check("hello-s", *run(guests.path("hello-s"), harts=4))


@pytest.mark.parametrize("name", ["hello", "hello-s"])
def test_command_line(name):
    pytest.importorskip("minihv.cli", reason="the command line is not there yet")
    command = [sys.executable, "-m", "minihv", "run", str(guests.path(name)),
               "--append", console.BOOTARGS]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    assert console.mismatch(console.expected(name), done.stdout.decode()) is None
    assert done.returncode == 0
