"""`minihv bench GUEST.elf ...`: its arithmetic, what it refuses, and a tiny guest to its end."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from minihv.asm import assemble
from minihv.devices.virt import Machine
from minihv.tools.bench import public
from minihv.tools.bench.peers import Absent
from minihv.tools.bench.unseen import QEMU, Row, table
from tests.cli.command import run

needs_qemu = pytest.mark.skipif(not shutil.which(QEMU[0]), reason="needs qemu-system-riscv64")
PRINT = "li t0, 0x10000000\nsb a0, (t0)\n"
END = "li t0, 0x100000\nli t1, 0x5555\nsw t1, (t0)\nj .\n"


def row(name: str, **seconds: list[float]) -> Row:
    return Row(name, 400_000_000, dict(seconds))


def guest(folder: Path, text: str) -> Path:
    path = folder / "guest.elf"
    path.write_bytes(assemble(text, 0x80000000).elf())
    return path


def test_medians_less_an_empty_guest() -> None:
    one = row("one", QEMU=[2.25, 1.25, 4.25], cold=[3.5, 4.5, 9.5], steady=[0.5, 0.5, 0.5])
    one.take_off({"QEMU": 0.25, "cold": 1.5})
    assert one.seconds == {"QEMU": [2.0, 1.0, 4.0], "cold": [2.0, 3.0, 8.0], "steady": [0.5] * 3}
    assert one.median("cold") == 3.0 and one.mips("QEMU") == 200
    assert one.mips("steady") == 400  # half of the instructions
    assert one.ratio("cold") == 0.5   # of 1, 1/3 and 1/2: rounds in pairs, not medians
    assert one.ratio("steady") == 2.0


def test_the_table_has_means_of_what_is_long_enough() -> None:
    lines = table([row("fast", QEMU=[2.0], cold=[0.5]), row("slow", QEMU=[2.0], cold=[2.0]),
                   row("short", QEMU=[0.01], cold=[0.5])], ["cold"])
    assert "| slow | 400.0 | 2.00 | 2.00 | 1.00 |" in lines
    assert "| short | 400.0 | 0.01 | 0.50 | too short |" in lines
    mean, lowest = (line.split("|")[-2].strip() for line in lines[-2:])
    assert (mean, lowest) == ("2.00", "1.00")
    assert len({line.count("|") for line in lines}) == 1
    assert "too short" in table([row("short", QEMU=[0.0], cold=[0.0])], ["cold"])[2]


def test_a_guest_that_costs_less_than_an_empty_one_is_no_error() -> None:
    one = row("one", QEMU=[0.03], warm=[1.0], steady=[0.0])
    one.take_off({"QEMU": 0.04, "warm": 1.2})
    assert table([one], ["warm", "steady"])


def refused(*arguments: object, env: dict[str, str] | None = None) -> str:
    """What `minihv bench` says when it refuses: a line, no traceback."""
    done = run("bench", "--rounds", 1, *arguments, env=env)
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 2 and len(lines) == 1 and not done.stdout, lines
    return lines[0]


def test_what_is_no_guest_is_refused(tmp_path: Path) -> None:
    assert "cannot be read (No such file" in refused(tmp_path / "none.elf")
    (tmp_path / "text").write_text("hello\n" * 100)
    assert "text, not machine code" in refused(tmp_path / "text")
    assert "--only" in refused(guest(tmp_path, END), "--only", "attacks")


def test_without_qemu(tmp_path: Path) -> None:
    nowhere = {**os.environ, "PATH": str(tmp_path)}
    line = refused(guest(tmp_path, END), env=nowhere)
    assert "qemu-system-riscv64 is missing (Debian: apt" in line


@needs_qemu
@pytest.mark.parametrize("text, why", [
    ("j .", "has not ended after 1 s under QEMU"),
    (END.replace("0x5555", "0x33333"), "ended with status 3 under QEMU"),
    ("csrr a0, mimpid\nsnez a0, a0\naddi a0, a0, 'A'\n" + PRINT + END, "under QEMU (at byte 0)"),
])
def test_guests_that_cannot_be_compared(text: str, why: str, tmp_path: Path) -> None:
    assert why in refused(guest(tmp_path, text), "--limit", 1 if "1 s" in why else 60)


@needs_qemu
def test_a_tiny_guest(tmp_path: Path) -> None:
    loop = "li a0, 'x'\nli t2, 1000\n1: addi t2, t2, -1\nbnez t2, 1b\n" + PRINT + END
    done = run("bench", guest(tmp_path, loop), "--rounds", 1, "--write", tmp_path / "report.md")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "report.md").read_text()
    assert "QEMU " in text and "| guest | 0.0 | " in text and text.count("too short") == 3


# --- the public programs ------------------------------------------------------------------------


def test_a_host_without_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MINIHV_CACHE", str(tmp_path))
    with pytest.raises(Absent, match="by apt-get, which this host does not have"):
        public.programs(lambda line: None)


@pytest.mark.parametrize("mode", [[], ["-DSUPERVISOR"]])
def test_start_up_code(mode: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path("/")
    if not shutil.which(f"{public.TARGET}-gcc") or not public._library(root):
        pytest.skip(f"needs {' and '.join(public.TOOLS)}")
    (tmp_path / "zero.c").write_text("long compress() { return 1; } long uncompress() {}\n")
    (tmp_path / "zlib.h").write_text("typedef unsigned long uLongf;\n")
    monkeypatch.setitem(public.PROGRAMS, "zlib", ("zero.c", "-DZLIB -DROUNDS=1 -I."))
    apt = SimpleNamespace(source=lambda name: tmp_path, root=root)
    public._build("zlib", mode, apt, tmp_path / "zlib.elf")  # type: ignore[arg-type]
    machine = Machine(engine="python").load(tmp_path / "zlib.elf")
    end = machine.run(20_000_000)
    assert end.exit_status == 1
    assert machine.console.output == b"round 0 went wrong\n"
    assert machine.harts[0].priv == (1 if mode else 3)
