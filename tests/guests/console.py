"""The console text that each guest must print, and how to compare with it.

expected/NAME.txt is literal, but for two marks: `{n}` stands for any unsigned decimal number and
`{text}` for anything up to the end of the line (what depends on the board or on the host's clock).
"""

import re
from pathlib import Path

EXPECTED = Path(__file__).parent / "expected"
M_MODE = ("hello", "timer", "paging", "exits", "syscalls",
          "bench-sieve", "bench-chase", "bench-calls")
S_MODE = ("hello-s",)
BOOTARGS = "greet me"       # what the S-mode guests are given

_MARKS = {"{n}": r"\d+", "{text}": r"[^\n]*"}


def expected(name: str) -> str:
    """What guest `name` must print, with its marks."""
    return (EXPECTED / f"{name}.txt").read_text()


def mismatch(pattern: str, output: str) -> str | None:
    """None when `output` matches, else one line that names the first line that differs."""
    output = output.replace("\r\n", "\n")
    wanted, got = pattern.splitlines(), output.splitlines()
    for number, (want, have) in enumerate(zip(wanted, got, strict=False), 1):
        if not re.fullmatch(_regex(want), have):
            return f"line {number}: expected {want!r}, got {have!r}"
    if len(wanted) != len(got):
        return f"expected {len(wanted)} lines, got {len(got)}: {output!r}"
    return None


def _regex(line: str) -> str:
    pieces = re.split(r"(\{n\}|\{text\})", line)
    return "".join(_MARKS.get(piece, re.escape(piece)) for piece in pieces)
