"""What instances cost a host in memory: proportional set size, from /proc (Linux).

PSS counts a page that n processes share as 1/n of a page in each, so that sums are honest. What
the kernel keeps for a process (its structures, page tables, pipes) is not in it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path

from minihv.errors import ConfigError


def pss(pid: int) -> int:
    """Return a process's proportional set size in bytes; ConfigError if the host does not tell."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError as error:
        raise ConfigError(f"this host does not tell a process's memory ({error})") from error
    return int(text.split("\nPss:")[1].split()[0]) << 10


def memory(pids: Iterable[int] = ()) -> float:
    """Return the bytes of this process and of those, together; NaN if the host does not tell."""
    try:
        return pss(os.getpid()) + sum(pss(pid) for pid in pids)
    except ConfigError:
        return math.nan


def available() -> float:
    """Return the bytes that this host could still give to programs; NaN if it does not tell."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return math.nan
    return int(text.split("MemAvailable:")[1].split()[0]) << 10


def calls(pid: int) -> tuple[int, int]:
    """Return how often a process has called read and write, and their like, so far."""
    try:
        text = Path(f"/proc/{pid}/io").read_text(encoding="ascii")
    except OSError as error:
        raise ConfigError(f"this host does not count a process's calls ({error})") from error
    fields = dict(line.split(": ") for line in text.splitlines())
    return int(fields["syscr"]), int(fields["syscw"])
