"""`minihv run`: a guest with its console on stdin and stdout.

Exit status: the guest's own; 124 when --max-instructions ran out; 125 when every hart waits for
what cannot come; 130 after Ctrl-C; 141 when nobody reads stdout any more.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from minihv.errors import ConfigError
from minihv.guests import file_or_guest, names
from minihv.tools.arguments import count, size
from minihv.tools.terminal import (
    CLOSED,
    INTERRUPTED,
    Closed,
    Quit,
    check_file,
    compiling,
    console_of,
    say,
)

if TYPE_CHECKING:
    from minihv.devices.virt import End, Machine
    from minihv.tools.terminal import Input

BUDGET, DEADLOCK = 124, 125
DEFAULT_MEMORY = 128 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `minihv run`."""
    machine_arguments(parser)
    add = parser.add_argument
    add("--max-instructions", type=count, metavar="N", help="stop after N (exit status 124)")
    add("--stats", type=Path, metavar="FILE.json", help="write counts and times there")
    add("--trace", type=count, default=0, metavar="N", help="show the first N instructions")


def machine_arguments(parser: argparse.ArgumentParser) -> None:
    """What a machine is to be, and the image that it loads."""
    from minihv.vmm.run import MODES, PAGINGS  # which takes time

    add = parser.add_argument
    add("image", type=file_or_guest, metavar="IMAGE",
        help=f"an ELF file, a Linux Image, a flat binary, or one of {', '.join(names())}")
    about = "; ".join(f"{name}: {mode.about}" for name, mode in MODES.items())
    add("--mode", choices=MODES, default="bare", help=f"{about} (default: bare)")
    about = "; ".join(f"{name}: {tables.about}" for name, tables in PAGINGS.items())
    goes = "; ".join(f"with {name} {', '.join(mode.pagings)}" for name, mode in MODES.items()
                     if mode.pagings)  # fmt: skip
    add("--paging", choices=PAGINGS, help=f"{about} ({goes}; the first by default)")
    add("--boot", choices=("m", "s"), help="privilege mode to start in (default: by the image)")
    add("--append", default="", metavar="TEXT", help="the kernel's command line")
    add("--memory", type=size, default=DEFAULT_MEMORY, metavar="SIZE", help="such as 128M or 1G")
    add("--hypervisor", action="store_true",
        help="give the harts the H extension, for a guest that is a hypervisor (mode bare)")
    add("--harts", type=int, default=1, metavar="N", help="number of harts, 1 to 8")
    add("--engine", choices=("jit", "python"), help="compiled or plain Python (default: the best)")


def machine_of(options: argparse.Namespace) -> Machine:
    """Return the machine with its image loaded, and its engine compiled."""
    from minihv.hw.warmup import warm
    from minihv.vmm.run import new_machine

    check_file(options.image)
    try:
        options.append.encode()
    except UnicodeEncodeError:
        raise ConfigError("--append: the text is not valid UTF-8") from None
    what = {"memory": options.memory, "harts": options.harts, "engine": options.engine}
    if options.hypervisor:
        if options.mode != "bare":
            raise ConfigError("--hypervisor: a virtual machine has no H extension: take mode bare")
        what["hypervisor"] = True
    machine = new_machine(options.mode, options.paging, **what)
    machine.load(options.image, options.boot, options.append)
    if vars(options).get("stats"):
        options.stats.open("a").close()  # rather now than after the run
    if machine.engine == "jit":
        warm(compiling(sys.stderr) if sys.stderr is not None else None)
    return machine


def main(options: argparse.Namespace) -> int:
    """Run a guest; return the exit status."""
    machine = machine_of(options)
    start = time.perf_counter()
    reason, status = _guarded(lambda: _run(machine, options.max_instructions, options.trace))
    seconds = time.perf_counter() - start
    if options.stats:
        stats = {
            "instructions": machine.instructions,
            "exits": {str(name): times for name, times in machine.exits.items()},
            "seconds": round(seconds, 6),
            "mips": round(machine.instructions / seconds / 1e6, 3),
            "engine": machine.engine,
            "mode": options.mode,
            "exit_status": status,
            "end_reason": reason,
        }
        options.stats.write_text(json.dumps(stats, indent=2) + "\n", encoding="utf-8")
    return status


def _guarded(run: Callable[[], tuple[str, int]]) -> tuple[str, int]:
    """Return the end reason and exit status of a run, even if it is cut short."""
    try:
        return run()
    except Quit:
        return "quit", 0
    except Closed:
        return "closed", CLOSED
    except KeyboardInterrupt:
        say("interrupted")
        return "interrupted", INTERRUPTED


def _run(machine: Machine, budget: int | None, trace: int) -> tuple[str, int]:
    from minihv.hw.registers import NEVER

    goal = NEVER if budget is None else budget
    with console_of(machine) as console:
        end = _trace(machine, console, min(trace, goal)) if trace else None
        while end is None or end.reason == "input":
            if end is not None and console is not None:
                console.wait()
            end = machine.run(goal - machine.executed)
    if end.reason == "budget":
        say(f"stopped after {machine.executed} instructions (--max-instructions)")
        return end.reason, BUDGET
    if end.reason == "deadlock":
        say("every hart waits for an event that cannot come")
        return end.reason, DEADLOCK
    return end.reason, end.exit_status or 0


def _trace(machine: Machine, console: Input | None, steps: int) -> End | None:
    """Run the first steps one by one and show them; return how the run ended, if it did."""
    from minihv.tools.trace import Tracer, symbols_of

    symbols = symbols_of(machine)
    while machine.executed < steps:
        tracer = Tracer(machine, symbols)
        end = machine.step()
        for line in tracer.lines(end):
            print(line, file=sys.stderr)
        if end.reason == "input" and console is not None:
            console.wait()
        elif end.reason not in ("budget", "trap"):
            return end
    return None
