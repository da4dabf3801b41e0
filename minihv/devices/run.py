"""A run: the harts of a board execute until a budget, a stop, or the guest's end.

One time around the loop of `Run.run`:

    input: asked for at the start of a round, and when a device has looked for some in vain;
       |   what was logged is given again at its instant
    rounds.take_turn: one hart runs, up to the nearest of
       |    its turn's end, the budget, `until`, the next logged input
       |         EXIT_*  --> _handle: a device, the firmware, ...  --> on
       v
    End, if the run has to stop; else around again
"""

from __future__ import annotations

import math
from collections.abc import Callable

from minihv.devices.board import Board
from minihv.devices.inputlog import InputLog
from minihv.devices.instant import End, Instant
from minihv.devices.rounds import Rounds
from minihv.hw import state as st
from minihv.hw.hart import STOPPED, Hart
from minihv.hw.registers import NEVER


class Run:
    """What runs on `board`. A subclass says in `_handle` what an exit asks for."""

    def __init__(self, board: Board):
        self.board = board
        self.rounds = Rounds(board)
        self.input = InputLog()
        self.poll: Callable[[], bytes] | None = None  # asked for input; b"" for none at present
        self.on_trap: Callable[[Hart], None] | None = None  # told of traps inside the guest
        self.served = 0  # traps into the host
        self._at_traps = False  # whether the run returns at traps
        board.console.log_to(self._log_input)

    # --- where it is ------------------------------------------------------------------------

    @property
    def instructions(self) -> int:
        """Instructions that all harts have retired."""
        return sum(hart.instructions for hart in self.board.harts)

    @property
    def executed(self) -> int:
        """Ticks of all harts that were not spent waiting; never goes back while a guest runs."""
        return sum(hart.executed for hart in self.board.harts)

    @property
    def ticks(self) -> int:
        """The clocks of all harts together; never goes back while a guest runs."""
        return sum(hart.clock for hart in self.board.harts)

    @property
    def instant(self) -> Instant:
        """This point of the run."""
        traps = sum(hart.s[st.TRAPS] for hart in self.board.harts)
        return Instant(self.ticks, self.served + traps)

    @property
    def hart(self) -> Hart:
        """The hart whose turn it is."""
        return self.board.hart

    @property
    def clock(self) -> int:
        """The clock of the hart whose turn it is."""
        return self.hart.clock

    @property
    def ended(self) -> End | None:
        """How the guest ended itself, None while it has not."""
        return self.board.ended

    def shutdown(self, exit_status: int, reason: str = "exit") -> None:
        """End the guest."""
        self.board.shutdown(exit_status, reason)

    # --- forward ----------------------------------------------------------------------------

    def run(
        self, max_instructions: int | None = None, until: int | None = None, at_traps: bool = False,
        seconds: float = math.inf,
    ) -> End:  # fmt: skip
        """Run until the guest ends, or `max_instructions` are executed, or a stop is due.

        until: also stop at the first instant with that many ticks. at_traps: also stop after each
        trap into the guest, before its handler, and after each call of the host. seconds: of this
        thread's processor time, after which it stops, too, at a point that no guest can tell.
        """
        board = self.board
        board.allow(seconds)
        goal = NEVER if max_instructions is None else self.executed + max_instructions
        while board.ended is None:
            if self.rounds.over:
                stop = self._new_round()
                if stop is not None:
                    return stop
            ticks, due = self.ticks, self._repeat_input()
            self._return_at_traps(at_traps or due == ticks)
            executable, time = goal - self.executed, (NEVER if until is None else until) - ticks
            if executable <= 0 or time <= 0 or board.late():
                if board.hart.status != STOPPED:  # a stopped one looks at nothing
                    board.hart.settle()
                return End("budget")
            piece = min(time, max(due - ticks, 1))
            stop = self.rounds.take_turn(executable, piece, self._handle)
            if stop is not None and (at_traps or stop.reason != "trap"):
                return stop
        return board.ended

    def step(self, n: int = 1) -> End:
        """Execute `n` instructions; a trap counts as one, and stops before its handler.

        A breakpoint or watchpoint at the first of them is passed over.
        """
        self.pass_stop()
        end = End("budget")
        for _ in range(n):
            end = self.run(1, at_traps=True)
            if end.reason not in ("budget", "trap"):
                break
        return end

    def pass_stop(self) -> None:
        """Let the next run leave the instruction where it starts, even if a stop is set there."""
        self.hart.s[st.SKIP] = self.hart.clock

    def _new_round(self) -> End | None:
        """Begin a round."""
        self._ask_for_input()
        return self.rounds.begin(polled=self.poll is not None)

    def _return_at_traps(self, wanted: bool) -> None:
        self._at_traps = wanted
        for hart in self.board.harts:
            hart.s[st.STOP_ON_TRAP] = int(wanted or self.on_trap is not None)

    # --- input ------------------------------------------------------------------------------

    @property
    def input_log(self) -> list[tuple[Instant, bytes]]:
        """All input, each piece with its instant; also what is still to be repeated."""
        return self.input.entries

    def feed(self, data: bytes) -> None:
        """Give the guest console input now, and log it.

        After `restore` the rest of the log is repeated as the run goes on. Input that is new
        starts another history: the rest is forgotten.
        """
        self.board.console.feed(data)

    def _ask_for_input(self) -> None:
        """Ask for input unless some is left to repeat."""
        self.board.console.starved = False
        if self._repeat_input() == NEVER and self.poll is not None:
            self.feed(self.poll())

    def _log_input(self, data: bytes) -> None:
        """Log what the console is about to take, wherever it comes from."""
        self.input.note(self.instant, data)

    def _repeat_input(self) -> int:
        """Give again what is due by the log; return the tick of the next entry, or NEVER."""
        log = self.input
        if log.given >= len(log.entries):
            return NEVER
        return log.repeat(self.instant, self.board.console)

    # --- exits ------------------------------------------------------------------------------

    def _handle(self, hart: Hart, reason: int) -> End | None:
        """Do what an exit (EXIT_*) asks for; return an End if the run may have to stop."""
        raise NotImplementedError

    def _trapped(self, hart: Hart) -> End | None:
        """Tell whoever asked that a trap inside the guest was taken."""
        if self.on_trap is not None:
            self.on_trap(hart)
        return End("trap") if self._at_traps else None
