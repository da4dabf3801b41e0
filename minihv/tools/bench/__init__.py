"""`minihv bench`: what the machine, the hypervisor and containers cost, each against its peers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from minihv.errors import ConfigError
from minihv.guests import file_or_guest
from minihv.tools.arguments import above_0

STATES = ("cold", "warm", "steady")  # of translated code: see `unseen`
LIMIT = 120.0  # s of real time for one process of those
PARTS = ("machine", "hypervisor", "unseen", "attacks", "containers")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `minihv bench`."""
    add = parser.add_argument
    add("guests", type=file_or_guest, nargs="*", metavar="GUEST.elf",
        help="measure these programs against QEMU instead, each in processes of its own")
    add("--state", choices=STATES, action="append",
        help="of these: without translated code from before, with that of one run, or the second "
             "half of such a run (may be repeated; default: all)")
    add("--limit", type=above_0(float), default=LIMIT, metavar="SECONDS",
        help=f"how long each of their processes may take (default {LIMIT:g})")
    add("--rounds", type=above_0(int), default=3, help="rounds of each guest (default 3)")
    add("--write", type=Path, help="store the report in this file")
    add("--only", choices=PARTS, help="measure only this")


def main(options: argparse.Namespace) -> int:
    """Print the report, and store it with --write."""
    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    if options.guests and options.only:
        raise ConfigError("--only is about minihv's own guests: leave it out, or the programs")
    only = "unseen" if options.guests else options.only
    parts = [_section(part, options, say) for part in ((only,) if only else PARTS)]
    text = "\n".join("\n".join(lines) + "\n" for lines in parts)
    print(text)
    if options.write:
        old = options.write.read_text(encoding="utf-8") if options.write.exists() else ""
        options.write.write_text(merged(old, text), encoding="utf-8")
    return 0


def _section(part: str, options: argparse.Namespace, say: Callable[[str], None]) -> list[str]:
    measure = import_module(f"minihv.tools.bench.{part}").section
    if part != "unseen":
        return measure(say, options.rounds)
    states = [state for state in STATES if state in (options.state or STATES)]
    return measure(say, options.rounds, options.guests, states, options.limit)


def merged(old: str, new: str) -> str:
    """Return `old` with its sections (by heading) replaced by those of `new`; what only one
    of them has stays."""
    def sections(text: str) -> dict[str, str]:
        parts = ("\n" + text).split("\n## ") if text else []
        return {part.partition("\n")[0].strip() if n else "": part.strip("\n")
                for n, part in enumerate(parts)}

    both = sections(old) | {k: v for k, v in sections(new).items() if k or v}
    return "\n\n".join(("## " if name else "") + part for name, part in both.items()) + "\n"
