"""A virtual CPU: a hart whose state the hypervisor keeps, and which another hart runs.

Its state vector is that of a hart, and everything that a hart does to its own state (take a
trap, write a CSR, walk page tables) is done to it by the very functions of minihv.hw, as plain
Python. So what a guest sees is by construction what the machine would have shown it.

To the board, a virtual CPU is a hart like any other: run(stop) runs until the host is due.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minihv.hw import engine
from minihv.hw.hart import Hart
from minihv.hw.state import (
    BREAKPOINT,
    BREAKPOINTS,
    CLOCK,
    DEADLINE,
    EXIT,
    EXIT_BUDGET,
    EXIT_NONE,
    EXIT_TRAPPED,
    MISALIGNED,
    PC,
    RESERVATION,
    SKIP,
    SPACES_USED,
    STOP,
    STOP_ON_TRAP,
    WAIT,
    WATCHPOINT,
)
from minihv.hw.trap import pending_interrupt, raise_interrupt, refresh_timers, take_trap
from minihv.vmm.host import MANY_NAMES
from minihv.vmm.memory import GuestMemory

if TYPE_CHECKING:
    from minihv.vmm.vm import VM

REGISTERS = slice(0, PC + 1)  # x0..x31, the slot for writes of x0, and the pc


class VCPU(Hart):
    """Virtual CPU number `number` of `vm`; `s` holds the state that the guest believes in."""

    memory: GuestMemory

    def __init__(self, number: int, vm: VM):
        self.vm = vm
        self.protection = 0  # whose PMP decides about its accesses; see shadow.regime
        super().__init__(number, vm.memory, "python")

    def use(self, kind: str) -> None:
        """A virtual CPU has no engine: the physical hart has one."""
        self._run = self.run
        self._arguments = (self.s, self.tlb, *self.memory.views)

    def run(self, stop: int) -> int:
        """Run the guest until `clock` reaches `stop` or the board is due; the reason (EXIT_*)."""
        self.s[STOP] = stop
        return self.vm.cpu.run(self, stop)

    def sfence(self) -> None:
        """Forget all translations, also those that the hypervisor made from them."""
        super().sfence()
        self.vm.paging.fence()

    def flush(self) -> None:
        """As Hart.flush: the whole state may have changed."""
        super().flush()
        self.vm.paging.drop()

    # --- between two instructions -------------------------------------------------------------

    def settle_events(self, stop: int) -> int:
        """What hardware does before each instruction: look at the timers, wait, take interrupts.

        Returns the reason to leave for the board, or NONE: then the guest can go on. It follows
        the head of `loop.run`.
        """
        s = self.s
        while True:
            if s[CLOCK] >= s[DEADLINE]:
                refresh_timers(s)
            if s[CLOCK] >= stop:
                return EXIT_BUDGET
            if s[WAIT]:
                if self.waiting:
                    self.idle_until(min(stop, s[DEADLINE]))
                    continue
                s[WAIT] = 0
            interrupt = pending_interrupt(s)
            if interrupt < 0:
                return EXIT_NONE
            raise_interrupt(s, interrupt)
            reason = take_trap(s, self.tlb)
            if reason:
                return reason

    # --- the world switch ---------------------------------------------------------------------

    def enter(self, hart: Hart, until: int) -> int:
        """Run on `hart` until the clock says `until` or something happens; the reason (EXIT_*).

        Guest registers, pc, clock and reservation go there and come back; all else stays here.
        """
        v, s, offset = self.s, hart.s, self.memory.offset
        s[REGISTERS] = v[REGISTERS]
        s[CLOCK] = v[CLOCK]
        s[MISALIGNED] = v[MISALIGNED]
        reserved = v[RESERVATION]
        s[RESERVATION] = reserved if reserved < 0 else reserved + offset
        if v[BREAKPOINTS] or s[BREAKPOINTS]:
            self._copy_breakpoints(hart)
        reason = hart.run(until)
        v[REGISTERS] = s[REGISTERS]
        v[CLOCK] = s[CLOCK]
        if s[BREAKPOINTS]:
            v[SKIP] = s[SKIP]
        reserved = s[RESERVATION]
        v[RESERVATION] = reserved if reserved < 0 else reserved - offset
        return reason

    def _copy_breakpoints(self, hart: Hart) -> None:
        """Breakpoints are guest-virtual addresses, and the hart stops at them itself."""
        hart.s[BREAKPOINTS] = self.s[BREAKPOINTS]
        some = slice(BREAKPOINT, WATCHPOINT)
        hart.s[some] = self.s[some]
        hart.s[SKIP] = self.s[SKIP]

    def begin(self) -> None:
        """Due before `s` is worked on as a hart's state: no trap pending, TLB names to spare."""
        self.s[EXIT] = EXIT_NONE
        if self.s[SPACES_USED] > MANY_NAMES:
            super().flush()

    def interpret(self) -> int:
        """Execute the instruction at pc here, by the machine's own loop; the reason (EXIT_*).

        This is how an access that cannot be left to the physical hart is carried out.
        """
        self.begin()
        self.memory.make_room_for_code()
        s = self.s
        wanted = s[STOP_ON_TRAP]
        s[STOP], s[STOP_ON_TRAP] = s[CLOCK] + 1, 1  # a trap ends it, too
        reason = engine.python_run()(s, self.tlb, *self.memory.views)
        s[STOP_ON_TRAP] = wanted
        done = reason == EXIT_BUDGET or (reason == EXIT_TRAPPED and not wanted)
        return EXIT_NONE if done else reason
