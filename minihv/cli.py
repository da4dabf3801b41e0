"""The command line: `minihv run`, asm, disasm, debug, and the commands of ELSEWHERE.

Messages of minihv itself go to stderr, a line each. Exit status of `run`: the guest's own; 124 when
--max-instructions ran out; 125 when every hart waits for what cannot come; 2 for bad usage or a bad
image; 130 after Ctrl-C; 141 when nobody reads stdout any more.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from minihv import __version__
from minihv.errors import ConfigError, MinihvError
from minihv.guests import file_or_guest, names
from minihv.tools import listing
from minihv.tools.terminal import Closed, Quit, check_file, compiling, console_of, one_line, say

if TYPE_CHECKING:
    from minihv.devices.virt import End, Machine
    from minihv.tools.terminal import Input

USAGE, BUDGET, DEADLOCK, INTERRUPTED, CLOSED = 2, 124, 125, 130, 141
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
DEFAULT_MEMORY = 128 << 20
# Commands that live elsewhere: module, what it does, how it is called.
ELSEWHERE = {
    "bench": ("minihv.tools.bench", "measure the machine against its peers"),
    "doctor": ("minihv.tools.doctor", "show what this host offers, and how to get the rest"),
    "container": ("minihv.tools.container", "run containers on this host's kernel"),
    "check": ("minihv.tools.course", "judge exercise notebooks"),
    "reset": ("minihv.tools.course", "restore an exercise notebook, keeping a backup"),
    "progress": ("minihv.tools.course", "show which exercises you tried and solved"),
    "new": ("minihv.tools.course", "write a new exercise, view or chapter"),
}


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(USAGE, f"{self.prog}: {one_line(message)} (see {self.prog} --help)\n")


def size(text: str) -> int:
    """128M, 1G, 0x8000000 or plain bytes."""
    match = re.fullmatch(r"(0[xX][0-9a-fA-F]+|[0-9]+)([KMGT]?)(?:i?B)?", text, re.IGNORECASE)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 128M, 1G or 0x8000000")
    return int(match[1], 0 if match[1][:2] in ("0x", "0X") else 10) * UNITS[match[2].upper()]


def count(text: str) -> int:
    """A number of instructions: 0 or more."""
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of instructions")
    return value


def address(text: str) -> int:
    """An address where code may lie, in any of Python's notations."""
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 64 or value & 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an even address below 2**64")
    return value


# --- the parser ---------------------------------------------------------------------------------


def parser(arguments: list[str]) -> Parser:
    """Return a parser of all commands; of options, those that `arguments` may need."""
    top = Parser(prog="minihv", description="A compact mini-hypervisor and the machine below it.")
    top.add_argument("--version", action="version", version=f"minihv {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    run = commands.add_parser("run", help="run a guest (Ctrl-A x quits on a terminal)")
    if "run" in arguments:
        _machine_options(run)
    add = run.add_argument
    add("--max-instructions", type=count, metavar="N", help="stop after N (exit status 124)")
    add("--stats", type=Path, metavar="FILE.json", help="write counts and times there")
    add("--trace", type=count, default=0, metavar="N", help="show the first N instructions")
    run.set_defaults(main=run_command)
    debug = commands.add_parser("debug", help="step a guest, also backwards, and look into it")
    if "debug" in arguments:
        _machine_options(debug)
    debug.set_defaults(main=debug_command)
    asm = commands.add_parser("asm", help="assemble a source file to an ELF file")
    asm.add_argument("source", type=Path, metavar="FILE.S")
    asm.add_argument("-o", dest="output", type=Path, metavar="FILE.elf", help="default: FILE.elf")
    asm.add_argument("--origin", type=address, default=0x80000000, metavar="ADDRESS")
    asm.add_argument("--compress", action="store_true", help="use 16-bit instructions")
    asm.set_defaults(main=listing.assemble_file)
    disasm = commands.add_parser("disasm", help="list the code of an image")
    disasm.add_argument("image", type=file_or_guest, metavar="FILE")
    disasm.set_defaults(main=listing.list_image)
    for name, (_, help_text) in ELSEWHERE.items():
        commands.add_parser(name, help=help_text, add_help=False)
    return top


def _machine_options(command: argparse.ArgumentParser) -> None:
    from minihv.vmm.run import MODES, PAGINGS  # which takes time

    add = command.add_argument
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
    add("--harts", type=int, default=1, metavar="N", help="number of harts, 1 to 8")
    add("--engine", choices=("jit", "python"), help="compiled or plain Python (default: the best)")


# --- run and debug ------------------------------------------------------------------------------


def _machine(options: argparse.Namespace) -> Machine:
    """The machine with its image loaded, and its engine compiled."""
    from minihv.hw.warmup import warm
    from minihv.vmm.run import new_machine

    check_file(options.image)
    try:
        options.append.encode()
    except UnicodeEncodeError:
        raise ConfigError("--append: the text is not valid UTF-8") from None
    size = {"memory": options.memory, "harts": options.harts, "engine": options.engine}
    machine = new_machine(options.mode, options.paging, **size)
    machine.load(options.image, options.boot, options.append)
    if vars(options).get("stats"):
        options.stats.open("a").close()  # rather now than after the run
    if machine.engine == "jit":
        warm(compiling(sys.stderr) if sys.stderr is not None else None)
    return machine


def run_command(options: argparse.Namespace) -> int:
    """Run a guest with its console on stdin and stdout."""
    machine = _machine(options)
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
    """The end reason and exit status of a run, also where it is cut short."""
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
        end = _trace(machine, console, min(trace, goal))
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
    """Run the first steps one by one and show them; how the run ended, if it did."""
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


def debug_command(options: argparse.Namespace) -> int:
    """The terminal debugger."""
    from minihv.tools.debug import debug

    return debug(_machine(options))


# --- main ---------------------------------------------------------------------------------------


def _elsewhere(name: str, arguments: list[str]) -> int:
    """A command that another module has."""
    module_name, help_text = ELSEWHERE[name]
    if find_spec(module_name) is None:
        raise MinihvError(f"{name}: this installation has no {module_name}")
    module = import_module(module_name)
    if name == "bench":
        return module.main(arguments)
    top = Parser(prog="minihv")
    commands = top.add_subparsers(dest="command")
    if name == "doctor":
        commands.add_parser(name, description=help_text)
        top.parse_args([name, *arguments])
        return module.main()
    module.add_parser(commands)
    return module.main(top.parse_args([name, *arguments]))


def _dispatch(arguments: list[str]) -> int:
    if arguments and arguments[0] in ELSEWHERE:
        return _elsewhere(arguments[0], arguments[1:])
    top = parser(arguments)
    options = top.parse_args(arguments)
    if options.command is None:
        top.error("say what to do: " + ", ".join(["run", "debug", "asm", "disasm", *ELSEWHERE]))
    return options.main(options)


def main(arguments: list[str] | None = None) -> int:
    """The `minihv` command; returns its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _dispatch(sys.argv[1:] if arguments is None else arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter complains at its end
        return CLOSED
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except MinihvError as error:
        say(error)
    except MemoryError:
        say("this host has too little memory for that")
    except OSError as error:
        say(f"{error.filename or 'input or output'}: {error.strerror or error}")
    return USAGE
