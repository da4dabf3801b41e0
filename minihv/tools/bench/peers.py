"""The machine against its peers, in one paired run.

Each round runs every contestant on the same guest, one after the other, so that a computer that
grows slow slows all of them; a figure is the median over the rounds, a ratio the median of the
rounds' ratios. Peers that are not installed are said to be absent.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from minihv import guests
from minihv.devices import finisher, uart
from minihv.devices.virt import Machine
from minihv.errors import MinihvError

GUESTS = {
    "bench-sieve": "sieve, CRC-32 and sort",
    "bench-chase": "8 MB pointer chase",
    "bench-calls": "recursive calls",
}
TINYRV_LIMIT = 200_000  # it runs some 0.1 MIPS: a part of each guest has to do
GOALS = {"Unicorn": 1.5, "QEMU": 0.35, "tinyrv": 500.0}
Run = Callable[[str, int], float]  # (guest, its instructions) -> MIPS


class Absent(Exception):
    """A peer that is not installed; the text says what is missing."""


def run_minihv(name: str, count: int) -> float:
    """Load to exit in this (warm) process, translation of hot code included."""
    start = time.perf_counter()
    machine = Machine(engine="jit").load(guests.path(name))
    end = machine.run()
    seconds = time.perf_counter() - start
    if end.exit_status != 0:
        raise MinihvError(f"{name} ended with {end}")
    return machine.instructions / seconds / 1e6


def run_qemu(name: str, count: int) -> float:
    """The whole process of qemu-system-riscv64 (TCG), start included."""
    command = ["qemu-system-riscv64", "-machine", "virt", "-bios", "none", "-nographic"]
    start = time.perf_counter()
    try:
        subprocess.run(
            [*command, "-kernel", str(guests.path(name))],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=300,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise Absent("qemu-system-riscv64 (Debian: apt install qemu-system-misc)") from error
    return count / (time.perf_counter() - start) / 1e6


def _segments(name: str) -> tuple[list[tuple[int, bytes]], int]:
    from minihv.devices.image import load_image

    image = load_image(guests.path(name).read_bytes(), name)
    return [(address, bytes(data)) for address, data, _ in image.segments], image.entry


def run_unicorn(name: str, count: int) -> float:
    """Unicorn with RAM, a UART that is always ready, and the finisher."""
    try:
        unicorn: Any = import_module("unicorn")
    except ImportError as error:
        raise Absent("unicorn (pip install unicorn)") from error
    emulator = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
    emulator.mem_map(0x80000000, 128 << 20)
    emulator.mmio_map(
        uart.PART.base, 0x1000, lambda *a: 0x60 if a[1] == 5 else 0, None, lambda *a: None, None
    )
    emulator.mmio_map(
        finisher.PART.base, 0x1000, lambda *a: 0, None, lambda *a: a[0].emu_stop(), None
    )
    segments, entry = _segments(name)
    for address, data in segments:
        emulator.mem_write(address, data)
    start = time.perf_counter()
    emulator.emu_start(entry, 0)
    return count / (time.perf_counter() - start) / 1e6


def run_tinyrv(name: str, count: int) -> float:
    """The first instructions of the guest in tinyrv's simulator."""
    try:
        tinyrv: Any = import_module("tinyrv")
    except ImportError as error:
        raise Absent("tinyrv (pip install tinyrv)") from error
    simulator = tinyrv.sim(xlen=64)
    segments, simulator.pc = _segments(name)
    for address, data in segments:
        simulator.copy_in(address, data)
    start = time.perf_counter()
    simulator.run(limit=TINYRV_LIMIT, trace=False)
    return TINYRV_LIMIT / (time.perf_counter() - start) / 1e6


CONTESTANTS: dict[str, Run] = {
    "minihv": run_minihv,
    "Unicorn": run_unicorn,
    "QEMU": run_qemu,
    "tinyrv": run_tinyrv,
}


def _count(name: str) -> int:
    """Return how many instructions a guest has: the machine is deterministic, one run tells."""
    machine = Machine(engine="jit").load(guests.path(name))
    machine.run()
    return machine.instructions


def race(rounds: int, say: Callable[[str], None]) -> tuple[dict, dict[str, str]]:
    """Return MIPS by (guest, contestant), one figure per round, and the peers that are absent."""
    figures: dict[tuple[str, str], list[float]] = {}
    absent: dict[str, str] = {}
    for guest in GUESTS:
        count = _count(guest)
        for number in range(rounds):
            for who, run in CONTESTANTS.items():
                if who in absent:
                    continue
                try:
                    speed = run(guest, count)
                except Absent as error:
                    absent[who] = str(error)
                    continue
                figures.setdefault((guest, who), []).append(speed)
                say(f"  {guest} round {number + 1}: {who} {speed:,.2f} MIPS")
    return figures, absent


def speed_table(figures: dict, absent: dict[str, str]) -> list[str]:
    """Return in Markdown the medians by guest, and the geometric mean of each peer's ratios."""
    peers = [who for who in CONTESTANTS if who != "minihv" and who not in absent]
    lines = [
        "| guest | minihv | " + " | ".join(peers) + " |",
        "| --- |" + " ---: |" * (len(peers) + 1),
    ]
    for guest, what in GUESTS.items():
        cells = [f"{statistics.median(figures[guest, who]):,.2f}" for who in ["minihv", *peers]]
        lines.append(f"| {guest} ({what}), MIPS | " + " | ".join(cells) + " |")
    ratios = []
    for peer in peers:
        per_guest = [
            statistics.median(
                a / b for a, b in zip(figures[guest, "minihv"], figures[guest, peer], strict=True)
            )
            for guest in GUESTS
        ]
        ratios.append(f"{statistics.geometric_mean(per_guest):,.2f} × (goal ≥ {GOALS[peer]:g})")
    lines.append("| **minihv / peer, geometric mean** | 1 | " + " | ".join(ratios) + " |")
    lines += [f"\nAbsent: {who}, needs {what}." for who, what in absent.items()]
    return lines
