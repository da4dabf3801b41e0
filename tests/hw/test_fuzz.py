"""The short form of the fuzz (see fuzz.py), and guests that try to harm the host on purpose."""

import sys
import textwrap

import pytest

from minihv.devices import console
from minihv.devices.virt import Machine
from tests.hw import fuzz
from tests.hw.lab import ENGINES, both_engines, program
from tests.tiers import count

HTIF = """
_start: la t0, tohost
        la t1, call
        {body}
1:      j 1b
        .align 6
call:   .dword 64, 1, {address:#x}, {length:#x}, 0, 0, 0, 0
        .align 6
tohost: .dword 0
fromhost: .dword 0
"""


WORK = {  # words, images
    "jit": count((10_000, 30), (40_000, 60), (2_000_000, 3_000)),
    "python": count((1_000, 10), (3_000, 15), (100_000, 500)),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_random_words_and_changed_images_end_clean(engine):
    words, images = WORK[engine]
    assert fuzz.fuzz(words, images, seed=20, engine=engine) == []


# --- the fuzzer itself: what it must notice -----------------------------------------------------

FAULTS = {
    "a traceback": "def run_images(*a): raise ValueError('planted')",
    "a crash": "def run_images(*a): import ctypes; ctypes.string_at(0)",
    "a hang": "def run_images(*a):\n    while True: pass",
    "an exit of the process": "def run_images(*a): import os; os._exit(3)",
    "too much memory": "def run_images(*a): return len(bytearray(fuzz.MEMORY_LIMIT))",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_reported(fault, tmp_path, monkeypatch):
    """The child runs a copy of the fuzzer that does one forbidden thing."""
    script = tmp_path / "planted.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(fuzz.ROOT)!r})\n"
        "from tests.hw import fuzz\n"
        f"{FAULTS[fault]}\n"
        + textwrap.dedent("""
        fuzz.run_images = run_images
        fuzz.main()
        """)
    )
    monkeypatch.setattr(fuzz, "__file__", str(script))
    failure = fuzz.start("images", 1, 1, "python", seconds=4 if fault == "a hang" else 100)
    assert failure is not None
    assert ("hangs" in failure) == (fault == "a hang")
    assert "images, seed 1" in failure


def test_a_clean_job_is_no_failure():
    assert fuzz.start("images", 1, 3, "python") is None


def test_every_seed_can_be_repeated():
    assert fuzz.run_words("s", 5, 2000, "python") == fuzz.run_words("s", 5, 2000, "jit")
    assert fuzz.run_images(5, 10, "python") == fuzz.run_images(5, 10, "jit")


def test_mutations_change_something_and_hit_the_tables():
    import random

    base = fuzz.corpus()
    changed = [fuzz.mutate(base[0], random.Random(k)) for k in range(200)]
    assert sum(data != base[0] for data in changed) > 190
    assert sum(data[:64] != base[0][:64] for data in changed) > 30


# --- guests that mean harm ----------------------------------------------------------------------


def htif(engine, body, address=0x80000000, length=16):
    from minihv.asm import assemble

    source = HTIF.format(body=body, address=address, length=length)
    machine = Machine(memory=1 << 20, engine=engine)
    return machine.load(assemble(source, 0x80000000).elf())


FOREVER = "li t2, 64; 2: sd t2, (t1); sd t1, (t0); j 2b"


@both_engines
def test_a_guest_cannot_print_the_host_full(engine, monkeypatch):
    """What is kept of its output is bounded, however it prints."""
    monkeypatch.setattr(console, "KEPT", 200_000)
    machine = htif(engine, FOREVER, length=1 << 20)
    seen = []
    machine.console.sink = lambda data: seen.append(len(data))
    machine.run(200)
    assert len(machine.console.output) == 200_000
    assert sum(seen) > 200_000  # the terminal still gets everything
    machine = program(engine, "li t0, 0x10000000; 1: sb t0, (t0); j 1b")
    monkeypatch.setattr(console, "KEPT", 100)
    machine.run(1000)
    assert len(machine.console.output) == 100


@both_engines
def test_one_call_of_the_guest_moves_a_bounded_amount(engine):
    machine = htif(engine, "sd t1, (t0)", length=1 << 20)
    machine.run(20)
    assert len(machine.console.output) == 1 << 16
    result = machine.memory.read_u64(machine.devices["htif"].tohost - 64)
    assert result == 1 << 16  # write(2) may write less than it was asked to


@both_engines
def test_answers_that_nobody_fetches_do_not_pile_up(engine):
    machine = htif(engine, FOREVER)
    machine.run(20_000)
    assert len(machine.devices["htif"].save().answers) < 100


@both_engines
@pytest.mark.parametrize("address", [0, 0x7FFFFFF8, 0x800FFFF8, (1 << 64) - 8, 1 << 63])
@pytest.mark.parametrize("length", [0, 1, 64, 1 << 40, (1 << 64) - 1])
def test_calls_with_bad_pointers(engine, address, length):
    machine = htif(engine, "sd t1, (t0)", address, length)
    assert machine.run(100).reason == "budget"


@both_engines
def test_a_guest_that_only_calls_the_firmware(engine):
    """Calls count nothing, so a budget does not bound them; memory does."""
    machine = program(engine, "nop", memory=1 << 16)
    machine.memory.write(0x80000000, b"\x73\0\0\0" * 0x3FF0)
    hart = machine.harts[0]
    hart.own_machine_mode()
    hart.x[17] = 0x10
    hart.start(0x80000000, 0)
    assert machine.run(100).reason == "budget"
    assert machine.exits["sbi"] == 0x3FF0


@both_engines
def test_suspending_into_the_call_itself_ends(engine):
    """hart_suspend that resumes at its own ecall, with an interrupt pending: no endless loop."""
    source = """
            li a0, -0x80000000
            slli a0, a0, 32
            srli a0, a0, 32
            la a1, again
            li a6, 3
            li a7, 0x48534d
            li t0, 2
            csrw sie, t0
            csrw sip, t0
    again:  ecall
            j again
    """
    machine = program(engine, source)
    machine.harts[0].own_machine_mode()
    machine.harts[0].start(0x80000000, 0)
    assert machine.run(10_000).reason == "budget"


def test_the_script_runs_as_the_documentation_says(tmp_path):
    import subprocess

    command = [sys.executable, str(fuzz.ROOT / "tests/hw/fuzz.py"), "--words", "500"]
    command += ["--elves", "3", "--engine", "python"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("nothing but clean ends\n")
