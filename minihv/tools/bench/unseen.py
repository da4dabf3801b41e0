"""Anybody's programs, which the machine has not seen, against QEMU TCG: `minihv bench GUEST.elf`.

Each figure is the CPU time of a process of its own (all threads and children), less the median of
an empty guest's, which runs after every guest: left is load to exit, without either side's start.

    cold    no translated code in the object cache; the machine itself is compiled
    warm    the object cache has what the run before put there
    steady  instructions per CPU second in the second half of a warm run; QEMU's in its whole run
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from minihv.asm.assembler import assemble
from minihv.devices.image import load_image
from minihv.errors import MinihvError
from minihv.hw.engine import cache_folder
from minihv.hw.warmup import warm
from minihv.tools.bench.peers import Absent
from minihv.tools.bench.public import FOLDER, programs
from minihv.tools.terminal import check_file

QEMU = ["qemu-system-riscv64", "-machine", "virt", "-bios", "none", "-nographic", "-kernel"]
MINIHV = [sys.executable, "-m", "minihv", "run"]
REGIONS = "regions"  # the object cache's folder, in the cache folder
SHORTEST = 0.05  # s of CPU time under QEMU: below, a ratio would be the noise of two starts
EMPTY = "li t0, 0x100000\nli t1, 0x5555\nsw t1, (t0)\nj ."
SECOND_HALF = [sys.executable, "-c", """
import os, sys, time
from pathlib import Path
from minihv.devices.virt import Machine
machine = Machine().load(Path(sys.argv[1]))
machine.run(int(sys.argv[2]))
used = lambda: time.process_time() + sum(os.times()[2:4])
before = used()
machine.run()
print(used() - before)
"""]


@dataclass
class Row:
    """A guest's CPU seconds, round by round: by state, and "QEMU"."""

    name: str
    instructions: int
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, who: str, seconds: float) -> None:
        """Note one more round."""
        self.seconds.setdefault(who, []).append(seconds)

    def take_off(self, starts: dict[str, float]) -> None:
        """Take off what a process costs before and after the guest, by who runs it."""
        for who, times in self.seconds.items():
            self.seconds[who] = [max(time - starts.get(who, 0), 1e-9) for time in times]

    def median(self, who: str) -> float:
        """Return the median of the rounds' seconds."""
        return statistics.median(self.seconds[who])

    def mips(self, who: str) -> float:
        """Return millions of instructions per second; the steady state counts one half."""
        share = 0.5 if who == "steady" else 1
        return self.instructions * share / self.median(who) / 1e6

    def ratio(self, state: str) -> float | None:
        """Return the median of the rounds' speeds relative to QEMU; None if too short to tell."""
        if min(self.seconds["QEMU"]) < SHORTEST:
            return None
        share = 0.5 if state == "steady" else 1
        return statistics.median(share * theirs / ours for theirs, ours in
                                 zip(self.seconds["QEMU"], self.seconds[state], strict=True))


def table(rows: Sequence[Row], states: Sequence[str]) -> list[str]:
    """Return the rows in Markdown, and below them the geometric mean and the lowest ratio."""
    units = ["steady, MIPS" if state == "steady" else f"{state}, s" for state in states]
    lines = ["| guest | million instructions | QEMU, s | "
             + " | ".join(f"{unit} | × QEMU" for unit in units) + " |",
             "| --- | ---: | ---: |" + " ---: | ---: |" * len(states)]
    found: dict[str, list[float]] = {state: [] for state in states}
    for row in rows:
        cells = [row.name, f"{row.instructions / 1e6:,.1f}", f"{row.median('QEMU'):.2f}"]
        for state in states:
            ratio = row.ratio(state)
            found[state] += [] if ratio is None else [ratio]
            cells.append(f"{row.mips(state):,.0f}" if state == "steady"
                         else f"{row.median(state):.2f}")
            cells.append("too short" if ratio is None else f"{ratio:.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    for what, of in (("geometric mean", statistics.geometric_mean), ("lowest", min)):
        cells = [f"| {of(found[state]):.2f}" if found[state] else "|" for state in states]
        lines.append(f"| **{what}** | | | " + " | ".join(f" {cell}" for cell in cells) + " |")
    return lines


def qemu_version() -> str:
    """Return what QEMU calls itself; Absent where it is not installed."""
    try:
        done = subprocess.run([QEMU[0], "--version"], capture_output=True, text=True)
    except OSError:
        raise Absent(f"{QEMU[0]} is missing (Debian: apt install qemu-system-misc)") from None
    return done.stdout.partition("\n")[0].replace(" emulator version", "")


def _used() -> float:
    try:
        import resource
    except ImportError:
        raise Absent("this system does not tell the CPU time of child processes") from None
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Race:
    """The processes that are timed, in a cache folder of their own; `limit` in seconds each."""

    def __init__(self, cache: Path, limit: float):
        self.cache, self.limit = cache, limit
        self.empty = cache / "empty.elf"
        self.empty.write_bytes(assemble(EMPTY, 0x80000000).elf())

    def run(self, who: str, command: Sequence[object], guest: Path) -> tuple[float, bytes]:
        """Return a process's CPU seconds and its output; MinihvError if it does not end well."""
        before = _used()
        try:
            done = subprocess.run(
                [*map(str, command)], stdin=subprocess.DEVNULL, capture_output=True,
                timeout=self.limit, env={**os.environ, "MINIHV_CACHE": str(self.cache)})
        except subprocess.TimeoutExpired:
            raise MinihvError(f"{guest}: has not ended after {self.limit:g} s under {who}; a guest "
                              "ends by storing 0x5555 at 0x100000") from None
        if done.returncode:
            why = (done.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
            raise MinihvError(f"{guest}: ended with status {done.returncode} under {who} ({why}); "
                              "a guest that is measured ends with 0")
        return _used() - before, done.stdout

    def instructions(self, guest: Path) -> int:
        """Return how many instructions a guest has; MinihvError if its output is not QEMU's."""
        stats = self.cache / "stats.json"
        theirs = self.run("QEMU", [*QEMU, guest], guest)[1]
        output = self.run("minihv", [*MINIHV, guest, "--stats", stats], guest)[1]
        if output != theirs:
            at = len(os.path.commonprefix([output, theirs]))
            raise MinihvError(f"{guest}: prints {output[at:at + 40]!r} where it prints "
                              f"{theirs[at:at + 40]!r} under QEMU (at byte {at})")
        return json.loads(stats.read_text(encoding="utf-8"))["instructions"]

    def seconds(self, who: str, guest: Path, instructions: int) -> float:
        """Return one measurement."""
        if who == "QEMU":
            return self.run(who, [*QEMU, guest], guest)[0]
        if who == "steady":
            return float(self.run(who, [*SECOND_HALF, guest, instructions // 2], guest)[1])
        if who == "cold":
            shutil.rmtree(self.cache / REGIONS, ignore_errors=True)
        return self.run("minihv", [*MINIHV, guest], guest)[0]


@contextlib.contextmanager
def race(limit: float) -> Iterator[Race]:
    """Have the compiled machine in a cache folder that nobody else writes."""
    warm()
    with tempfile.TemporaryDirectory(prefix="minihv-bench-") as folder:
        shutil.copytree(cache_folder(), folder, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns(REGIONS, FOLDER))
        yield Race(Path(folder), limit)


def measure(say: Callable[[str], None], guests: Sequence[Path], rounds: int,
            states: Sequence[str], limit: float) -> list[Row]:
    """Return a row per guest; within a round, QEMU and all states take turns."""
    common = os.path.commonpath([guest.absolute().parent for guest in guests])
    with race(limit) as racing:
        rows = [Row(os.path.relpath(guest.with_suffix(""), common),
                    racing.instructions(guest.absolute())) for guest in guests]
        empty = Row("empty", 0)
        for number in range(rounds):
            for guest, row in zip(guests, rows, strict=True):
                for who in ("QEMU", *states):
                    row.add(who, racing.seconds(who, guest.absolute(), row.instructions))
                for who in ("QEMU", "warm"):
                    empty.add(who, racing.seconds(who, racing.empty, 0))
                say(f"  {row.name} round {number + 1}: " + ", ".join(
                    f"{who} {times[-1]:.2f} s" for who, times in row.seconds.items()))
    for row in rows:
        row.take_off({"QEMU": empty.median("QEMU"), "cold": empty.median("warm"),
                      "warm": empty.median("warm")})
    return rows


def section(say: Callable[[str], None], rounds: int, guests: Sequence[Path],
            states: Sequence[str], limit: float) -> list[str]:
    """Return the report's lines on these guests, or else on public programs that are fetched."""
    head = ["## Programs that the machine has not seen", ""]
    named = bool(guests)
    for guest in guests:
        check_file(guest)
        load_image(guest.read_bytes(), str(guest))
    try:
        version = qemu_version()
        guests = guests or programs(say)
        rows = measure(say, guests, rounds, states, limit)
    except Absent as error:
        if named:
            raise MinihvError(str(error)) from None
        return [*head, f"Not measured: {error}."]
    lines = [
        *head,
        "CPU seconds from load to exit, all threads and children, one process each, an empty",
        "guest's process taken off on both sides; medians, each round in turn with QEMU TCG.",
        f"{version}; rounds: {rounds}.",
        "Cold: no translated code is kept; warm: that of one run before is; steady: the second",
        "half of a warm run, against QEMU's whole run."
        + ("" if named else " RV64IMAC, -O2, linked packed; -s: S-mode, Sv39."), "",
    ]  # fmt: skip
    return lines + table(rows, states)
