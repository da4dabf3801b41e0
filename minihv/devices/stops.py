"""Breakpoints and watchpoints: places at which a run returns to the host before an instruction.

They live in the harts' state vectors, which both engines look at. An instruction that has a
breakpoint is never kept decoded, and a page that is watched never enters the TLB, so the run
loop's fast path asks for none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from minihv.errors import ConfigError
from minihv.hw import state as st
from minihv.hw.bits import i64
from minihv.hw.hart import Hart
from minihv.hw.memory import PAGE, Memory
from minihv.hw.registers import NUMBER

MOST_BREAKPOINTS, MOST_WATCHES, MOST_CSRS = 16, 16, 8
KINDS = {"r": st.READ, "w": st.WRITE, "rw": st.READ | st.WRITE}


class Watch(NamedTuple):
    """`size` bytes from guest-physical `gpa` on; `kinds` is "r", "w" or "rw"."""

    gpa: int
    size: int
    kinds: str


class Stops:
    """The stops of one machine, the same for all its harts.

    `breakpoints` holds guest-virtual addresses, `watches` and `csrs` what is watched; change
    them with the methods. A run that meets one ends before the instruction, with the reason
    "breakpoint" or "watchpoint", and goes on from there when it is run again.
    """

    def __init__(self, harts: Sequence[Hart], memory: Memory):
        self._harts, self._memory = harts, memory
        self.breakpoints: list[int] = []
        self.watches: list[Watch] = []
        self.csrs: list[str] = []

    def __bool__(self) -> bool:
        return bool(self.breakpoints or self.watches or self.csrs)

    def add_breakpoint(self, gva: int) -> None:
        """Stop before the instruction at guest-virtual address `gva`, in whatever mode."""
        gva = i64(gva)
        if gva & 1:
            raise ConfigError(f"breakpoint at {gva:#x}: instructions have even addresses")
        if gva not in self.breakpoints:
            _room(self.breakpoints, MOST_BREAKPOINTS, "breakpoints")
            self.breakpoints.append(gva)
            self._memory.drop_code()
            self._apply()

    def remove_breakpoint(self, gva: int) -> None:
        """Take a breakpoint away; ConfigError if there is none."""
        if i64(gva) not in self.breakpoints:
            raise ConfigError(f"there is no breakpoint at {gva:#x}")
        self.breakpoints.remove(i64(gva))
        self._apply()

    def watch_memory(self, gpa: int, size: int = 8, kinds: str = "w") -> None:
        """Stop before a load ("r"), a store ("w") or either ("rw") to these bytes of RAM.

        `gpa` is guest-physical. What the page walker and devices do is not watched.
        """
        if kinds not in KINDS:
            raise ConfigError(f"watch {kinds!r}: choose 'r', 'w' or 'rw'")
        memory = self._memory
        if size < 1 or gpa < memory.base or gpa + size > memory.base + memory.size:
            raise ConfigError(f"watch: {size} bytes at {gpa:#x} are not in RAM")
        _room(self.watches, MOST_WATCHES, "watchpoints")
        self.watches.append(Watch(gpa, size, kinds))
        self._apply()

    def unwatch_memory(self, gpa: int) -> None:
        """Take the watchpoints that begin at `gpa` away; ConfigError if there is none."""
        rest = [watch for watch in self.watches if watch.gpa != gpa]
        if len(rest) == len(self.watches):
            raise ConfigError(f"there is no watchpoint at {gpa:#x}")
        self.watches = rest
        self._apply()

    def watch_csr(self, name: str) -> None:
        """Stop before an instruction that reads or writes CSR `name`."""
        if name not in NUMBER:
            raise ConfigError(f"there is no CSR named {name!r}")
        if name not in self.csrs:
            _room(self.csrs, MOST_CSRS, "CSR watchpoints")
            self.csrs.append(name)
            self._apply()

    def unwatch_csr(self, name: str) -> None:
        """Stop watching CSR `name`; ConfigError if it is not watched."""
        if name not in self.csrs:
            raise ConfigError(f"CSR {name!r} is not watched")
        self.csrs.remove(name)
        self._apply()

    def clear(self) -> None:
        """Take all stops away."""
        self.breakpoints, self.watches, self.csrs = [], [], []
        self._apply()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Within this context nothing stops."""
        for hart in self._harts:
            # One breakpoint stays, at an address that no pc can have: while there is one, no code
            # is translated, and a translation would not notice that breakpoints are back.
            hart.s[st.BREAKPOINT] = -1
            hart.s[st.BREAKPOINTS] = min(len(self.breakpoints), 1)
            hart.s[st.WATCHPOINTS] = hart.s[st.CSR_WATCHES] = 0
        try:
            yield
        finally:
            self._fill_slots()
            self._forget_decoded()

    def _apply(self) -> None:
        """Bring the harts' slots and the pages' flags in line with the lists."""
        self._fill_slots()
        self._mark_pages()

    def _fill_slots(self) -> None:
        for hart in self._harts:
            s = hart.s
            s[st.BREAKPOINTS] = len(self.breakpoints)
            s[st.WATCHPOINTS] = len(self.watches)
            s[st.CSR_WATCHES] = len(self.csrs)
            for k, gva in enumerate(self.breakpoints):
                s[st.BREAKPOINT + k] = gva
            for k, (gpa, size, kinds) in enumerate(self.watches):
                s[st.WATCHPOINT + 3 * k] = gpa
                s[st.WATCHPOINT + 3 * k + 1] = gpa + size
                s[st.WATCHPOINT + 3 * k + 2] = KINDS[kinds]
            for k, name in enumerate(self.csrs):
                s[st.CSR_WATCH + k] = NUMBER[name]

    def _mark_pages(self) -> None:
        """PAGE_SLOW on the pages that are watched or hold tohost, and on no others."""
        memory = self._memory
        memory.flags &= ~st.PAGE_SLOW & 0xFF
        tohost = self._harts[0].s[st.TOHOST]
        slow = [(gpa, size) for gpa, size, _ in self.watches]
        for gpa, size in [*slow, (tohost, 8)] if tohost >= 0 else slow:
            first, last = gpa - memory.base, gpa + size - 1 - memory.base
            memory.flags[first // PAGE : last // PAGE + 1] |= st.PAGE_SLOW
        memory.drop_translations()

    def _forget_decoded(self) -> None:
        """Drop the instructions at breakpoints that were decoded while nothing stopped."""
        used = int(self._memory.shared[st.SHARED_CODE_PAGES]) * st.CODE_STRIDE
        for gva in self.breakpoints:
            self._memory.code[(gva & PAGE - 1) >> 1 : used : st.CODE_STRIDE] = 0


def _room(stops: Sequence[object], most: int, what: str) -> None:
    if len(stops) >= most:
        raise ConfigError(f"all {most} {what} are in use: delete one first")
