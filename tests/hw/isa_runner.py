"""Runs public RISC-V test programs: ELF files that say how they fared, in one of two ways.

    python -m tests.hw.isa_runner FOLDER [jit|python]

A program passes if it exits with status 0; a failing one exits with the number of its first
failing test (tests trap-based environments add 1337 to it), and one that hangs runs out of
budget. Prints a table by group, then each failure.

Programs of riscv-hyp-tests (`*rvh_test*`) print a line a check instead and always exit with 0.
They and the group `hypervisor` run on a machine with the H extension.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from minihv.devices.virt import Machine
from minihv.errors import MinihvError

BUDGET = 20_000_000  # instructions; the longest program needs less than a tenth
MEMORY = 32 << 20
LARGE = 256 << 20  # what riscv-hyp-tests assumes
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CHECK = re.compile(r"^\t(\S.*?) +(PASSED|FAILED)$", re.MULTILINE)


@dataclass(frozen=True)
class Result:
    """How one program fared; `detail` says why it failed."""

    name: str
    passed: bool
    detail: str
    instructions: int


def programs(folder: Path) -> list[Path]:
    """The ELF files in `folder`, by name; notes, dumps and the like are passed over."""
    return sorted(path for path in folder.iterdir() if path.is_file() and is_elf(path))


def is_elf(path: Path) -> bool:
    """Whether the file begins as an ELF does."""
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def run(image: Path | bytes, name: str, engine: str) -> Result:
    """Run one program on a machine of its own."""
    machine = Machine(MEMORY, engine=engine, hypervisor=name.startswith("hypervisor"))
    try:
        machine.load(image)
    except MinihvError as error:
        return Result(name, False, f"not loaded: {error}", 0)
    end = machine.run(BUDGET)
    if end.reason != "exit":
        return Result(name, False, f"ended by {end.reason}", machine.instructions)
    detail = f"test {end.exit_status} failed" if end.exit_status else ""
    return Result(name, end.exit_status == 0, detail, machine.instructions)


def run_checks(image: Path | bytes, name: str, engine: str) -> list[Result]:
    """Run a program that prints its checks: a result for each, and one for its reaching the end."""
    machine = Machine(LARGE, engine=engine, hypervisor=True)
    try:
        machine.load(image)
    except MinihvError as error:
        return [Result(f"{name}: loads", False, str(error), 0)]
    end = machine.run(BUDGET)
    console = COLOUR.sub("", machine.console.output.decode(errors="replace")).replace("\r", "")
    results = [
        Result(f"{name}: {text}", verdict == "PASSED", "", machine.instructions)
        for text, verdict in CHECK.findall(console)
    ]
    whole = end.reason == "exit" and end.exit_status == 0 and console.endswith("\nend\n")
    last = (console.strip().splitlines() or ["nothing printed"])[-1].strip()
    return [*results, Result(f"{name}: reaches its end", whole, last, machine.instructions)]


def group(name: str) -> str:
    """The group of a program: rv64ui-p for rv64ui-p-add; that of a check is its program."""
    if ": " in name:
        return name.split(": ")[0]
    found = re.match(r"[^-]+-[^-]+", name)
    return found[0] if found else name


def run_all(folder: Path, engine: str) -> Iterator[Result]:
    """Run every program of the folder."""
    for path in programs(folder):
        if "rvh_test" in path.name:
            yield from run_checks(path, path.name, engine)
        else:
            yield run(path, path.name, engine)


def table(results: list[Result]) -> str:
    """Counts by group, and each failure, as Markdown."""
    total = Counter(group(result.name) for result in results)
    passed = Counter(group(result.name) for result in results if result.passed)
    lines = ["| group | passed | of |", "| --- | --- | --- |"]
    lines += [f"| {name} | {passed[name]} | {total[name]} |" for name in sorted(total)]
    lines.append(f"| all | {passed.total()} | {total.total()} |")
    lines += [f"\n{r.name}: {r.detail}" for r in results if not r.passed]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Run a folder; the exit status is 1 if a program failed."""
    if not arguments or not Path(arguments[0]).is_dir():
        print(__doc__, file=sys.stderr)
        return 2
    results = list(run_all(Path(arguments[0]), *(arguments[1:] or ["jit"])))
    print(table(results))
    return int(not all(result.passed for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
