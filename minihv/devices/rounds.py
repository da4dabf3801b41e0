"""Rounds: how the harts of a machine take turns on one clock.

A round gives each hart the same slice of the clock, in turn. A hart that waits (wfi) idles through
its turn, so its clock comes along; if all wait when a round begins, time jumps to the next timer.

    clock     0         20,000        40,000        60,000
    hart 0    |============|.............|....           = runs    . idles
    hart 1    |=======.....|.............|==>            hart 1 has its turn of the third round:
    hart 2    |============|======.......|               hart 0 waits still, hart 2 is next

A turn may be cut into pieces, by budgets, stops and logged input; the pieces show nowhere.
"""

from __future__ import annotations

from collections.abc import Callable

from minihv.devices.board import Board
from minihv.devices.instant import End
from minihv.hw import state as st
from minihv.hw.causes import MEI, SEI
from minihv.hw.hart import STOPPED, Hart
from minihv.hw.registers import NEVER

SLICE = 1_000_000  # ticks of a round for one hart
SHARED_SLICE = 20_000  # ticks of each hart's turn if there are several
EXTERNAL = 1 << SEI | 1 << MEI  # in mie


class Rounds:
    """Whose turn it is is `board.turn`; `end` is the clock at which the round is over."""

    def __init__(self, board: Board):
        self._board = board
        self.slice = SLICE if len(board.harts) == 1 else SHARED_SLICE
        self.end = 0

    @property
    def over(self) -> bool:
        """Whether all harts have had their turn."""
        return self._board.turn == 0 and self._board.harts[0].clock >= self.end

    def begin(self, polled: bool) -> End | None:
        """Let time jump if all harts wait, and set the round's end; an End if none can go on.

        polled: whether input may still come.
        """
        harts = self._board.harts
        running = [hart for hart in harts if hart.status != STOPPED]
        clock = harts[0].clock
        if all(hart.waiting for hart in running):
            clock = min((hart.deadline for hart in running), default=NEVER)
            if clock == NEVER:
                listens = any(hart.s[st.MIE] & EXTERNAL for hart in running)
                return End("input" if polled and listens else "deadlock")
            for hart in harts:
                hart.idle_until(clock)
        self.end = (clock // self.slice + 1) * self.slice
        return None

    def take_turn(
        self, executable: int, time: int, handle: Callable[[Hart, int], End | None]
    ) -> End | None:
        """Run the hart whose turn it is until the turn is over or a stop is due.

        Or until it has executed `executable` ticks, its clock has gone on by `time`, or the host's
        time for the run is over. `handle` is called with each exit's reason (EXIT_*); it returns an
        End if the run may have to stop.
        """
        board, hart = self._board, self._board.hart
        s, run = hart.s, hart.run
        budget, limit = hart.executed + executable, min(self.end, hart.clock + time)
        while board.ended is None:
            if hart.status == STOPPED:
                hart.idle_until(limit)
            clock = s[st.CLOCK]
            if clock >= self.end:
                if len(board.harts) > 1:
                    s[st.RESERVATION] = -1  # another hart may store there now
                    board.turn = (board.turn + 1) % len(board.harts)
                return None
            left = budget - clock + s[st.WAITED]
            if clock >= limit or left <= 0:
                return None
            if s[st.WAIT]:
                hart.wait_until(limit)
                continue
            if board.late():
                return None
            stop = handle(hart, run(limit if limit - clock < left else clock + left))
            if stop is not None and hart.executed < budget and hart.clock < limit:
                return stop
        return None
