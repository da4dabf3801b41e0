"""The machine: its speed against its peers, what an exit costs, how long a start takes."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime

from minihv import guests
from minihv.devices.virt import Machine
from minihv.tools.bench.peers import TINYRV_LIMIT, race, speed_table


def exit_round_trip() -> float:
    """Return the microseconds from the host into the loop and back, with nothing done in it."""
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
    """Return the microseconds of an exit in which Python finds the UART and reads a register."""
    rounds = []
    for _ in range(3):
        machine = Machine(engine="jit").load(guests.path("exits"))
        start = time.perf_counter()
        machine.run()
        rounds.append((time.perf_counter() - start) / machine.exits["mmio"] * 1e6)
    return statistics.median(rounds)


def _child(code: str, **environment: str) -> float:
    """Return the seconds that a fresh Python takes for `code` by its own clock, which it prints."""
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
    """Return seconds: import, first output with compiled code in the cache, with an empty cache."""
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


def section(say: Callable[[str], None], rounds: int) -> list[str]:
    """Return the head of RESULTS.md and its sections on the machine."""
    say("start-up and exits ...")
    Machine(engine="jit").harts[0].run(0)
    times = start_up()
    bare, handled = exit_round_trip(), exit_handled()
    say("guests against peers ...")
    figures, absent = race(rounds, say)
    return [
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


def _host() -> str:
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
