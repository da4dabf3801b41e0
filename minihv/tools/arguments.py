"""What the words of a command line mean: sizes, counts, addresses; and a parser of few words."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any, NoReturn

from minihv.tools.terminal import one_line

USAGE = 2  # exit status
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


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


def above_0(kind: Callable[[str], Any], what: str = "number") -> Callable[[str], Any]:
    """Return a type of argument: what `kind` makes of the text, if that is above 0."""
    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text!r} is not a {what} above 0")
        return value
    return parse
