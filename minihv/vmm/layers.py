"""The two layers of a VM as protocols: what the board, `cpu` and `paging` may ask of each other.

`cpu` says how a virtual CPU runs on a physical hart; `paging` which tables that hart walks. Neither
knows which kind of layer the other is, so a new one plugs in without an edit of the others. Each
object belongs to one VM.

From one instruction of the guest to the next:

     the virtual CPU                                 the physical hart

     cpu.run: settle_events
       cpu.enter: paging.enter  -- worldswitch -->   runs the guest
                                                        |  a trap into M or HS: EXIT_TRAP
       cpu.handle               <-- worldswitch --   stops
         examine: the VMExit, for memory by paging's guest_walk and obstacle
         exits.note: counts it, tells observers
         HANDLERS[reason]: privileged, system_call, reflect, illegal, true_fault, fill, access
     again, or back to the board with a reason (EXIT_MMIO, EXIT_TRAP for a firmware call, ...)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from minihv.hw.mmu import PTE_D, PTE_R, PTE_V, PTE_W, PTE_X

if TYPE_CHECKING:
    from minihv.vmm.exits import Reason
    from minihv.vmm.host import PhysicalHart
    from minihv.vmm.vcpu import VCPU
    from minihv.vmm.vm import VM

# What decides about an access besides the page tables' contents, as far as the hart cannot look at
# it itself: (satp or 0, privilege, SUM and MXR where they matter, whether loads and stores act in
# another mode than fetches, whose PMP decides). A plain tuple: one is made at every entry.
Regime = tuple[int, int, int, bool, int]
RWX = PTE_R | PTE_W | PTE_X
UNTRANSLATED = RWX | PTE_D | PTE_V  # in place of a leaf, while satp is 0


class Cpu(Protocol):
    """How a virtual CPU runs on a physical hart."""

    modes: Mapping[int, str]  # names of the guest's modes by privilege, as seen from outside

    def new_paging(self) -> Paging:
        """Return the paging layer of a VM that was given none."""

    def check(self, boot: str) -> None:
        """ConfigError unless a guest that starts in this mode ("m" or "s") can run."""

    def run(self, vcpu: VCPU, stop: int) -> int:
        """Run on `vcpu.physical` until the VCPU's clock is `stop` or the board is needed (EXIT_*).

        In between, and when it returns, vcpu.s holds the whole state of the guest, and the clock
        is what the bare machine's would be.
        """

    def enter(self, vcpu: VCPU, hart: PhysicalHart, stop: int) -> int:
        """Switch worlds, run until the clock is `stop` or an exit, switch back; the reason."""

    def handle(self, vcpu: VCPU, hart: PhysicalHart) -> int:
        """Note and handle the exit that a trap on `hart` means; NONE, or a reason for the board."""

    # The paging layer asks:

    def nest(self) -> None:
        """Let guests translate by their own tables and then by paging's. ConfigError if they can't.

        Page faults, fences and satp are the guest's own from now on; else they are exits.
        """

    def install(self, hart: PhysicalHart, root: int) -> None:
        """Let tables gva -> hpa (their root at an hpa) translate in place of the guest's own."""

    def regime(self, vcpu: VCPU) -> Regime:
        """Return what a table gva -> hpa is made for: in equal regimes it is the same."""

    def rights(self, vcpu: VCPU, gpa: int, pte: int) -> int:
        """Return R, W, X and U of an entry gva -> hpa in place of the guest's leaf `pte`.

        With them the hart, in the mode in which it runs the guest, allows what the bare machine
        would allow in this regime.
        """


class Paging(Protocol):
    """How a VM's memory is mapped. A layer that is derived from it has what all have in common.

    Invariant: the tables lead to nothing but the VM's own memory, and no further than the guest's
    own tables let it. What `fence`, `written`, `protect` and `drop` make stale is out of the tables
    and of every hart's TLB when they return.
    """

    vm: VM
    table: object = None  # that was entered last; None: `enter` has to be called at each entry

    def attach(self, vm: VM) -> None:
        """Serve this VM, which has host, cpu and memory, from now on."""
        self.vm = vm

    def enter(self, vcpu: VCPU, hart: PhysicalHart) -> None:
        """Let the hart walk the tables that belong to the VCPU's state; before each entry."""

    # The CPU layer asks, after an exit:

    def guest_walk(self, vcpu: VCPU, gva: int, access: int) -> int:
        """Return the gpa that the guest's own tables give; a true fault is raised in vcpu.s."""
        raise AssertionError("asked only where page faults are exits")

    def obstacle(self, vcpu: VCPU, gva: int, gpa: int, access: int) -> Reason | None:
        """Return why the hart must not do this access by itself, None if it may."""
        return self.vm.memory.obstacle(gpa, access)

    def fill(self, vcpu: VCPU, gva: int, gpa: int) -> None:
        """Map the page of an access without obstacle, whose walk was the last one."""

    def fence_instruction(self, word: int, gva: int, asid: int) -> None:
        """Obey the guest's sfence.vma with these values in rs1 and rs2."""
        self.fence()

    # The board and the VM's memory say:

    def fence(self, asid: int | None = None) -> None:
        """The guest fences all of memory, or one ASID."""

    def written(self, gpa: int, n: int) -> None:
        """Guest memory has changed other than by a hart's own store."""
        return  # whoever has derived something from it has more to say

    def protect(self, frame: int) -> None:
        """A frame must not be writable any more; see GuestMemory.protect."""
        self.drop()

    def drop(self) -> None:
        """Forget everything: what decides besides page tables has changed, or the VM ends."""
