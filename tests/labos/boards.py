"""Where labos runs in these tests, and what came of it.

A board is a machine and a way to boot: `qemu` over OpenSBI or `qemu-m` with labos's own firmware,
`minihv` over the host's SBI or `minihv-m` with the firmware. QEMU is the judge that nobody here
wrote. With one hart it counts instructions (-icount) and so is as deterministic as ours; with
several its harts are threads, and waits go by the host's clock, hence the long `spin`.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from minihv import guests
from minihv.devices import virt

QEMU = shutil.which("qemu-system-riscv64")
BOARDS = ("qemu", "qemu-m", "minihv", "minihv-m")
SECONDS = 300               # of QEMU, and
BUDGET = 3_000_000_000      # instructions of minihv: only a hang reaches them
BUSY_HOST = "spin=400"      # see user/test_preempt.c
EXPECTED = Path(__file__).parent / "expected"


@dataclass(frozen=True)
class Run:
    """The console from the kernel's first line on, and the exit status that the machine gave.

    OpenSBI 1.1 cannot pass a failure on to QEMU, so over it `status` is 0 in any case.
    """

    console: str
    status: int

    @property
    def body(self) -> str:
        """What programs printed: the console without the kernel's first and last line."""
        lines = self.console.splitlines(keepends=True)
        return "".join(lines[1:-1])

    @property
    def ended(self) -> str:
        """The last line."""
        return self.console.splitlines()[-1]


def image(board: str) -> Path:
    """The image that suits the board."""
    return guests.path("labos-m" if board.endswith("-m") else "labos")


def run(board: str, append: str = "", harts: int = 1, mib: int = 128, keys: str = "",
        kernel: Path | None = None) -> Run:
    """Boots labos (or the image `kernel`) with boot arguments and console input, to its end."""
    on = _qemu if board.startswith("qemu") else _minihv
    output, status = on(board, kernel or image(board), append, harts, mib, keys)
    text = output.decode().replace("\r\n", "\n")
    start = text.find("labos: ")
    if start < 0 and board == "qemu" and not text:
        pytest.skip("QEMU found no OpenSBI firmware (package opensbi)")
    assert start >= 0, f"the kernel said nothing: {text[-200:]!r}"
    return Run(text[start:], status)


def _qemu(board: str, kernel: Path, append: str, harts: int, mib: int,
          keys: str) -> tuple[bytes, int]:
    if QEMU is None:
        pytest.skip("qemu-system-riscv64 is not installed (package qemu-system-misc)")
    command = [QEMU, "-machine", "virt", "-m", f"{mib}M", "-smp", str(harts), "-nographic",
               "-no-reboot", "-kernel", str(kernel)]
    if board == "qemu-m":
        command += ["-bios", "none"]
    if harts == 1 and not keys:
        command += ["-icount", "shift=0,sleep=off"]
    else:
        append = f"{append} {BUSY_HOST}"
    done = subprocess.run([*command, "-append", append], input=keys.encode(),
                          stdout=subprocess.PIPE, timeout=SECONDS)
    return done.stdout, done.returncode


def _minihv(board: str, kernel: Path, append: str, harts: int, mib: int,
            keys: str) -> tuple[bytes, int]:
    machine = virt.Machine(memory=mib << 20, harts=harts)
    machine.load(kernel, append=append)
    machine.console.feed(keys.encode())
    end = machine.run(max_instructions=BUDGET)
    assert end.reason == "exit", end
    return bytes(machine.console.output), end.exit_status or 0


def expected(name: str) -> str:
    """What the program prints: expected/NAME.txt."""
    return (EXPECTED / f"{name}.txt").read_text()
