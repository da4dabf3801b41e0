"""The command line: `minihv COMMAND`. Each command is a module of minihv.tools, by its name.

A command's module has `add_arguments(parser)` and `main(options)`, which returns the exit status.
It is imported when the command is chosen; that alone loads no compiler. Messages of minihv itself
go to stderr, one per line. Exit status 2: bad usage, or a bad file; 130 after Ctrl-C; 141 when
nobody reads stdout any more.
"""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module

from minihv import __version__
from minihv.errors import MinihvError
from minihv.tools.arguments import USAGE, Parser
from minihv.tools.terminal import CLOSED, INTERRUPTED, say

COMMANDS = {
    "run": "run a guest (Ctrl-A x quits on a terminal)",
    "debug": "step a guest, also backwards, and look into it",
    "asm": "assemble a source file to an ELF file",
    "disasm": "list the code of an image",
    "bench": "measure the machine against its peers",
    "doctor": "show what this host offers, and how to get the rest",
    "container": "run containers on this host's kernel",
    "check": "judge exercise notebooks",
    "reset": "restore an exercise notebook, keeping a backup",
    "progress": "show which exercises you tried and solved",
    "new": "write a new exercise, view or chapter",
}


def _dispatch(arguments: list[str]) -> int:
    top = Parser(prog="minihv", description="A compact mini-hypervisor and the machine below it.")
    top.add_argument("--version", action="version", version=f"minihv {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    parsers = {name: commands.add_parser(name, help=text, description=text[0].upper() + text[1:])
               for name, text in COMMANDS.items()}
    if not arguments or arguments[0] not in COMMANDS:
        top.parse_args(arguments)
        top.error(f"say what to do: {', '.join(COMMANDS)}")
    command = import_module(f"minihv.tools.{arguments[0]}")
    command.add_arguments(parsers[arguments[0]])
    return command.main(top.parse_args(arguments))


def main(arguments: list[str] | None = None) -> int:
    """Run the `minihv` command; return its exit status."""
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
