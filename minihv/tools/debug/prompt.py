"""The debugger's prompt: reads commands, one per line, typed or piped, and has them carried out."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator

from minihv.devices.virt import Machine
from minihv.errors import MinihvError
from minihv.tools.debug.commands import COMMANDS
from minihv.tools.debug.session import Complaint, Session
from minihv.tools.terminal import one_line

PROMPT = "(minihv) "
ALIASES = {
    "s": "step", "bk": "back", "b": "break", "d": "delete", "w": "watch", "c": "continue",
    "rc": "reverse-continue", "r": "registers", "i": "input", "dis": "disassembly",
    "q": "quit", "exit": "quit", "h": "help", "?": "help", "bt": "where",
}  # fmt: skip


class Debugger:
    """Carries out the lines that are typed."""

    def __init__(self, machine: Machine, show: Callable[[str], None] = print):
        self.session = Session(machine, show)
        self.reading = False  # Ctrl-C ends the line that is typed, or else what is carried out

    def do(self, line: str) -> bool:
        """Carry out one command; return False after quit. Never raise for what is typed."""
        words = line.split()
        if not words or words[0].startswith("#"):
            return True
        try:
            name = self._command(words[0])
            if name == "quit":
                return False
            help_(self.session) if name == "help" else COMMANDS[name](self.session, words[1:])
        except MinihvError as error:
            self.session.show(f"{one_line(words[0])}: {one_line(error)}")
        finally:
            self.session.end_line()
        return True

    def _command(self, word: str) -> str:
        if word in ALIASES:
            return ALIASES[word]
        names = [name for name in [*COMMANDS, "help", "quit"] if name.startswith(word)]
        if word in names:
            return word
        if len(names) == 1:
            return names[0]
        which = f"is {' or '.join(names)}" if names else "is no command"
        raise Complaint(f"{which}; help lists them")


def help_(d: Session) -> None:
    """help: this list"""
    for command in [*COMMANDS.values(), help_]:
        d.show((command.__doc__ or "").strip())
    d.show("quit: leave")
    d.show("short: " + ", ".join(f"{short} {name}" for short, name in ALIASES.items()))


# --- the loop -----------------------------------------------------------------------------------


def _lines(debugger: Debugger) -> Iterator[str]:
    """Yield commands from stdin, after a prompt; those that are piped are shown."""
    if sys.stdin is None:
        return
    typed = sys.stdin.isatty()
    if typed:
        try:
            import readline  # noqa: F401  (input() uses it when it is there)
        except ImportError:
            pass
    last = ""
    while True:
        debugger.session.timeline.cancelled = False
        try:
            debugger.reading = True
            line = input(PROMPT)
            debugger.reading = False
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()
            continue
        if not typed:
            print(one_line(line), flush=True)
        last = line if line.strip() or not typed else last  # an empty line repeats
        yield last


def debug(machine: Machine) -> int:
    """Read and carry out commands until quit or the end of input; return the exit status."""
    debugger = Debugger(machine)
    session = debugger.session

    def interrupt(number: int, frame: object) -> None:
        session.timeline.cancelled = True
        if debugger.reading:
            debugger.reading = False
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        session.where()
        for line in _lines(debugger):
            if not debugger.do(line):
                break
            sys.stdout.flush()
    finally:
        signal.signal(signal.SIGINT, before)
    return 0
