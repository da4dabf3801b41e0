"""`minihv bench`: the machine against its peers, in one paired run.

Each round runs every contestant on the same guest, one behind the other, so that a machine that
grows slow slows all of them; a figure is the median over the rounds, a ratio the median of the
rounds' ratios. Peers that are not installed are said to be absent.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from minihv import guests
from minihv.devices import finisher, uart
from minihv.devices.virt import Machine
from minihv.errors import MinihvError
from minihv.tools import bench_containers, bench_hypervisor

GUESTS = {
    "bench-sieve": "sieve, CRC-32 and sort",
    "bench-chase": "8 MB pointer chase",
    "bench-calls": "recursive calls",
}
PARTS = ("machine", "hypervisor", "containers")
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
    """Instructions of a guest: the machine is deterministic, one run tells."""
    machine = Machine(engine="jit").load(guests.path(name))
    machine.run()
    return machine.instructions


def race(rounds: int, say: Callable[[str], None]) -> tuple[dict, dict[str, str]]:
    """MIPS by (guest, contestant), one figure a round, and the peers that are absent."""
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


def _geometric_mean(values: list[float]) -> float:
    return statistics.geometric_mean(values)


def speed_table(figures: dict, absent: dict[str, str]) -> list[str]:
    """Markdown: medians by guest, and the geometric mean of each peer's ratios."""
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
        ratios.append(f"{_geometric_mean(per_guest):,.2f} × (goal ≥ {GOALS[peer]:g})")
    lines.append("| **minihv / peer, geometric mean** | 1 | " + " | ".join(ratios) + " |")
    lines += [f"\nAbsent: {who}, needs {what}." for who, what in absent.items()]
    return lines


# --- single figures -------------------------------------------------------------------------------


def exit_round_trip() -> float:
    """Microseconds from the host into the loop and back, nothing done on either side."""
    machine = Machine(engine="jit")
    hart = machine.harts[0]
    hart.run(0)
    rounds = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(20_000):
            hart.run(0)
        rounds.append((time.perf_counter() - start) / 20_000 * 1e6)
    return statistics.median(rounds)


def exit_handled() -> float:
    """Microseconds of an exit in which Python finds the UART and reads a register."""
    rounds = []
    for _ in range(3):
        machine = Machine(engine="jit").load(guests.path("exits"))
        start = time.perf_counter()
        machine.run()
        rounds.append((time.perf_counter() - start) / machine.exits["mmio"] * 1e6)
    return statistics.median(rounds)


def _child(code: str, **environment: str) -> float:
    """Seconds that a fresh Python takes for `code` by its own clock, which it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment},
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    return float(done.stdout.split()[-1])


_TIMED = "import time; t = time.perf_counter()\n{}\nprint(time.perf_counter() - t)"
_FIRST_OUTPUT = """
from minihv.devices.virt import Machine
from minihv import guests
machine = Machine(engine="jit").load(guests.path("hello"))
while not machine.console.output:
    machine.run(100)
"""


def start_up() -> dict[str, float]:
    """Seconds: import, first output with compiled code in the cache, and with an empty cache."""
    figures = {}
    for what, code in (("import", "import minihv"), ("output", _FIRST_OUTPUT)):
        figures[what] = statistics.median(_child(_TIMED.format(code)) for _ in range(5))
    start = time.perf_counter()
    machine = Machine(engine="jit").load(guests.path("hello"))
    while not machine.console.output:
        machine.run(100)
    figures["warm"] = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        figures["cold"] = _child(_TIMED.format(_FIRST_OUTPUT), MINIHV_CACHE=folder)
    return figures


def report(rounds: int, say: Callable[[str], None]) -> str:
    """The whole of RESULTS.md's generated part."""
    say("start-up and exits ...")
    Machine(engine="jit").harts[0].run(0)
    times = start_up()
    bare, handled = exit_round_trip(), exit_handled()
    say("guests against peers ...")
    figures, absent = race(rounds, say)
    lines = [
        "# Results",
        "",
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {_host()}; repeat with `make bench`",
        f"(`ARGS='--rounds {rounds} --write benchmarks/RESULTS.md'` stores it). All contestants",
        f"of a row ran in turn, {rounds} rounds; figures are medians, ratios the median of the",
        "rounds' ratios.",
        "",
        "## Speed of the machine",
        "",
        "Sv39 on, in S-mode. minihv: load to exit in a warm process, translation of hot code",
        "included. QEMU (TCG): the whole process. Unicorn: its run call. tinyrv: the first",
        f"{TINYRV_LIMIT:,} instructions.",
        "",
        *speed_table(figures, absent),
        "",
        "## Exits and start-up",
        "",
        "| what | measured | goal |",
        "| --- | ---: | ---: |",
        f"| exit, bare round trip | {bare:.2f} µs | ≤ 3 µs |",
        f"| exit, a device register read in Python | {handled:.2f} µs | |",
        f"| `import minihv` | {times['import']:.2f} s | ≤ 0.3 s |",
        f"| first output, warm process | {times['warm']:.3f} s | ≤ 1 s |",
        f"| first output, new process, compiled code in the cache | {times['output']:.2f} s | |",
        f"| first output, empty cache (cold compile) | {times['cold']:.1f} s | ≤ 15 s |",
    ]
    return "\n".join(lines) + "\n"


def _host() -> str:
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )


def main(arguments: list[str] | None = None) -> int:
    """The command; prints the report, and stores it with --write."""
    parser = argparse.ArgumentParser(prog="minihv bench", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each guest (default 3)")
    parser.add_argument("--write", type=Path, help="store the report in this file")
    parser.add_argument("--only", choices=PARTS, help="measure only this")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more")

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    wanted = (options.only,) if options.only else PARTS
    parts = [report(options.rounds, say)] if "machine" in wanted else []
    if "hypervisor" in wanted:
        parts.append("\n".join(bench_hypervisor.section(say, options.rounds)) + "\n")
    if "containers" in wanted:
        parts.append("\n".join(bench_containers.section(say)) + "\n")
    text = "\n".join(parts)
    print(text)
    if options.write:
        old = options.write.read_text(encoding="utf-8") if options.write.exists() else ""
        options.write.write_text(merged(old, text), encoding="utf-8")
    return 0


def merged(old: str, new: str) -> str:
    """The text of `old` with its sections (by heading) replaced by those of `new`; what only one
    of them has stays."""
    def sections(text: str) -> dict[str, str]:
        parts = ("\n" + text).split("\n## ") if text else []
        return {part.partition("\n")[0].strip() if n else "": part.strip("\n")
                for n, part in enumerate(parts)}

    both = sections(old) | {k: v for k, v in sections(new).items() if k or v}
    return "\n\n".join(("## " if name else "") + part for name, part in both.items()) + "\n"
