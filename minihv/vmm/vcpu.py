"""A virtual CPU: a hart whose state the hypervisor keeps, and which another hart runs.

Its state vector is that of a hart, and everything that a hart does to its own state (take a
trap, write a CSR, walk page tables) is done to it by the very functions of minihv.hw, by the host's
engine. So what a guest sees is by construction what the machine would have shown it.

To the board, a virtual CPU is a hart like any other: run(stop) runs until the host is needed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from minihv.hw.access import scatter
from minihv.hw.decode import SHORT, STORES, decode
from minihv.hw.hart import Hart
from minihv.hw.mmu import data_privilege, touch
from minihv.hw.ops import MEANING_OF
from minihv.hw.pmp import LAST_ADDRESS, pmp_allows
from minihv.hw.state import *
from minihv.vmm.host import MANY_NAMES
from minihv.vmm.memory import GuestMemory
from minihv.vmm.worldswitch import Switch

if TYPE_CHECKING:
    from minihv.vmm.host import PhysicalHart
    from minihv.vmm.vm import VM

ACCESSING = {op for op, meaning in enumerate(MEANING_OF) if meaning and meaning.size}


class Operands(NamedTuple):
    """Of a load or store: registers, immediate, funct3, and its length in bytes."""

    base: int
    offset: int
    kind: int
    target: int  # the slot that it fills, -1 for a store
    source: int  # the register that it stores
    length: int


@lru_cache(4096)
def operands(word: int) -> Operands | None:
    """Return what a load or store says; None for any other instruction."""
    w = decode(word, -1)
    if w & 0xFF not in ACCESSING:
        return None
    target, length = -1 if w & STORES else w >> 8 & 63, 2 if w & SHORT else 4
    return Operands(w >> 14 & 31, w >> 32, w >> 25 & 7, target, w >> 19 & 31, length)


def take_trap(s: memoryview, tlb: memoryview) -> int:
    """As the machine's own, by the engine of the virtual CPU whose vectors these are."""
    return tlb.obj.calls.take_trap()  # type: ignore[attr-defined]


def execute_system(s: memoryview, tlb: memoryview, word: int) -> int:
    """The same."""
    return tlb.obj.calls.execute_system(word)  # type: ignore[attr-defined]


class VCPU(Hart):
    """Virtual CPU number `number` of `vm`; `s` holds the state that the guest believes in."""

    memory: GuestMemory

    def __init__(self, number: int, vm: VM):
        self.vm = vm
        self.physical = vm.host.harts[number % len(vm.host.harts)]  # the hart that it runs on
        self.protection = 0  # whose PMP decides about its accesses; see layers.Regime
        self._switch: Switch | None = None
        self.table: object = None  # that paging chose at the last entry; None: it must be asked
        super().__init__(number, vm.memory, vm.host.engine)

    def use(self, kind: str) -> None:
        """Choose the engine for what is done to its state; guest code runs on the physical hart."""
        super().use(kind)
        self.tlb_array.calls = self.calls
        self._looks = self.tlb[LOOK_EVERY] = 0  # its memory is a window, regions know the whole

    def run(self, stop: int) -> int:
        """Run the guest until `clock` is `stop` or the board is needed; return why (EXIT_*)."""
        self.s[STOP] = stop
        return self.vm.cpu.run(self, stop)

    def move_to(self, hart: PhysicalHart) -> None:
        """Run on `hart` from now on, which has missed the fences that the guest did elsewhere."""
        if hart is not self.physical:
            self.physical = hart
            hart.sfence()

    def sfence(self) -> None:
        """Forget all translations, also those that the hypervisor made from them."""
        super().sfence()
        self.vm.paging.fence()

    def flush(self) -> None:
        """As Hart.flush: the whole state may have changed."""
        super().flush()
        self.vm.paging.drop()

    @property
    def unprotected(self) -> bool:
        """Its first PMP entry allows everything everywhere, as firmware likes to set it."""
        s = self.s
        return s[PMP_LOW] == 0 and s[PMP_HIGH] == LAST_ADDRESS and s[PMPCFG] & 7 == 7

    # --- between two instructions -------------------------------------------------------------

    def settle_events(self, stop: int) -> int:
        """Do what hardware does before each instruction: look at timers, wait, take interrupts.

        Return the reason to leave for the board, or NONE if the guest can go on.
        """
        return self.calls.settle(stop)

    # --- the world switch ---------------------------------------------------------------------

    def switch(self, hart: Hart) -> Switch:
        """Return the world switch between this virtual CPU and a hart."""
        if self._switch is None or self._switch.hart is not hart:
            self._switch = Switch(self, hart, self.vm.host.engine)
        return self._switch

    def enter(self, hart: Hart, until: int) -> int:
        """Run in U-mode of `hart` until the clock is `until` or something happens; return why.

        What the guest can touch directly goes there and comes back; all else stays here.
        """
        switch = self.switch(hart)
        switch.to_user()
        reason = hart.run(until)
        switch.from_user()
        return reason

    def begin(self) -> None:
        """Prepare `s` to be worked on as a hart's state: no trap pending, TLB names to spare."""
        self.s[EXIT] = EXIT_NONE
        if self.s[SPACES_USED] > MANY_NAMES:
            super().flush()

    def access_device(self, gva: int, gpa: int, word: int) -> int:
        """Leave the access of instruction `word` at pc to the board: EXIT_MMIO.

        What is more than one aligned load or store, or is not allowed, goes to `interpret`.
        """
        s, access = self.s, self._plain(gva, word)
        if access is None:
            return self.interpret()
        right, size = WRITE if access.target < 0 else READ, 1 << (access.kind & 3)
        open_ = self.unprotected and 0 <= gpa < LAST_ADDRESS
        if not (open_ or pmp_allows(s, gpa, size, right, data_privilege(s))):
            return self.interpret()
        s[ACCESS_ADDRESS] = gpa
        s[ACCESS_KIND] = access.kind
        s[ACCESS_VALUE] = s[access.source]
        s[ACCESS_RD] = access.target
        s[LENGTH] = access.length
        s[TVAL] = gva
        return EXIT_MMIO

    def store(self, gva: int, gpa: int, word: int) -> int:
        """Carry out a store to RAM that is allowed, and that no watchpoint asks about."""
        access = self._plain(gva, word)
        if access is None or access.target >= 0:
            return self.interpret()
        ram = self.memory.views
        offset, size = gpa - self.memory.base, 1 << access.kind
        scatter(ram.r8, offset, size, self.s[access.source])
        touch(self.s, ram.page_flags, ram.code, ram.code_of, offset, size)
        self.retire(access.length)
        return EXIT_NONE

    def _plain(self, gva: int, word: int) -> Operands | None:
        """Return what `word` does if it is a load or store, aligned, at gva; else None."""
        access = operands(word)
        if access is None or gva & (1 << (access.kind & 3)) - 1:
            return None
        return access if self.s[access.base] + access.offset == gva else None

    def interpret(self) -> int:
        """Execute the instruction at pc here, by the machine's own loop; return why it ended.

        This is how an access that cannot be left to the physical hart is carried out.
        """
        self.begin()
        self.memory.make_room_for_code()
        s = self.s
        wanted = s[STOP_ON_TRAP]
        s[STOP], s[STOP_ON_TRAP] = s[CLOCK] + 1, 1  # a trap ends it, too
        reason = self.calls.run()
        s[STOP_ON_TRAP] = wanted
        done = reason == EXIT_BUDGET or (reason == EXIT_TRAPPED and not wanted)
        return EXIT_NONE if done else reason
