"""Trap and emulate: the guest's kernel runs in U-mode, and what it may not do there, we do for it.

Popek and Goldberg's construction (1974). On this machine every sensitive instruction traps from
U-mode, so a hypervisor that catches those traps keeps the control state of the guest to itself:
the guest's S-mode exists only in its VCPU. Three cases make up the whole layer:

* a privileged instruction is carried out on the VCPU's state (`privileged`);
* a trap that the guest's own kernel has to see is delivered there (`reflect`);
* a page fault is the paging layer's, unless the guest's own tables cause it (`fault`).

Clock: an emulated instruction counts once, as it would have on hardware; one that is retried
after a fill, and a call into the host, count as on hardware: not at all.
"""

from __future__ import annotations

from functools import lru_cache

from minihv.errors import MinihvError
from minihv.hw import ops
from minihv.hw import state as st
from minihv.hw.decode import decode
from minihv.hw.mmu import fault, raise_trap
from minihv.hw.state import ECALL_U, EXIT_NONE
from minihv.hw.system import MRET, SRET, WFI, execute_system
from minihv.hw.trap import take_trap
from minihv.vmm.exits import Reason, VMExit
from minihv.vmm.host import PhysicalHart
from minihv.vmm.vcpu import VCPU

# The access that each cause stands for.
PAGE_FAULTS = {
    st.FETCH_PAGE_FAULT: st.FETCH, st.LOAD_PAGE_FAULT: st.READ, st.STORE_PAGE_FAULT: st.WRITE,
}  # fmt: skip
# The method that handles an exit.
HANDLERS = {
    Reason.CSR: "privileged", Reason.RETURN: "privileged", Reason.FENCE: "privileged",
    Reason.WAIT: "privileged", Reason.CALL: "system_call", Reason.SYSCALL: "system_call",
    Reason.ILLEGAL: "illegal", Reason.EXCEPTION: "reflect", Reason.FAULT: "true_fault",
    Reason.FILL: "fill", Reason.MMIO: "access", Reason.ACCESS: "access", Reason.TABLE: "access",
}  # fmt: skip
MOST_FRUITLESS = 1000  # exits of one instruction: no right layer needs so many
SFENCE_VMA = 0x09  # the upper seven bits of its word


class LayerError(MinihvError):
    """A layer of the hypervisor that cannot be right."""

    def __init__(self, exit: VMExit):
        super().__init__(
            f"{MOST_FRUITLESS} exits and the guest does not get on; the last was {exit.reason} "
            f"(cause {exit.cause}, pc {exit.pc:#x}, gva {exit.gva:#x}): "
            "does its handler do what the instruction waits for?"
        )


@lru_cache(4096)
def privileged_reason(word: int) -> Reason:
    """What kind of instruction `word` is, given that U-mode may not execute it."""
    if decode(word, -1) & 0xFF != ops.SYSTEM:
        return Reason.ILLEGAL
    if word >> 12 & 3:
        return Reason.CSR
    if word == WFI:
        return Reason.WAIT
    if word in (SRET, MRET):
        return Reason.RETURN
    return Reason.FENCE if word >> 25 == SFENCE_VMA else Reason.ILLEGAL


class TrapAndEmulate:
    """Runs a VCPU deprivileged. Override a method to change how one kind of exit is handled.

    A handler gets the VCPU and the exit; the guest's registers, pc and clock are in the VCPU. It
    returns NONE, or a reason to return to the board (EXIT_MMIO, EXIT_TRAP for a call, ...).
    """

    guest_mode = False  # whether guests run in VS-mode

    def check(self, boot: str) -> None:
        """ConfigError unless a guest that starts in this mode ("m" or "s") can run: both can."""

    def run(self, vcpu: VCPU, stop: int) -> int:
        """Run until the VCPU's clock reaches `stop` or the board is due; the reason (EXIT_*)."""
        s, hart = vcpu.s, vcpu.vm.physical
        fruitless, place = 0, (-1, 0)
        while True:
            reason = vcpu.settle_events(stop)
            if reason:
                return reason
            reason = self.enter(vcpu, hart, self.next_look(vcpu, stop))
            if reason == st.EXIT_TRAP:
                silent = hart.s[st.SILENT]
                here = (s[st.CLOCK] - s[st.IDLE], 0) if silent else (s[st.CLOCK], s[st.PC])
                fruitless = fruitless + 1 if here == place else 0
                place = here
                if fruitless > MOST_FRUITLESS:
                    if silent:  # its traps lead nowhere, for its stvec was never seen
                        return st.EXIT_LOST
                    raise LayerError(vcpu.vm.exits.log[-1])
                vcpu.begin()
                reason = self.handle(vcpu, hart)
            elif reason == st.EXIT_BUDGET:
                reason = self.time_is_up(vcpu, hart, stop)
            if reason:
                return reason

    def time_is_up(self, vcpu: VCPU, hart: PhysicalHart, stop: int) -> int:
        """The hart ran as long as it was allowed to: the turn is over, or a timer is due."""
        over = vcpu.s[st.CLOCK] >= stop
        vcpu.vm.host.sample(hart)
        vcpu.vm.exits.note(vcpu, VMExit(Reason.SLICE if over else Reason.TIMER, -1, vcpu.s[st.PC]))
        return EXIT_NONE

    # --- the world switch ---------------------------------------------------------------------

    def enter(self, vcpu: VCPU, hart: PhysicalHart, stop: int) -> int:
        """Run the guest on the hart until the clock says `stop` or an exit; the reason (EXIT_*)."""
        hart.deprivilege()
        vcpu.vm.paging.enter(vcpu, hart)
        return vcpu.enter(hart, stop)

    def install(self, hart: PhysicalHart, root: int) -> None:
        """Let shadow tables (their root at an hpa) translate the guest's addresses."""
        hart.translate_by(root)

    def next_look(self, vcpu: VCPU, stop: int) -> int:
        """Until when the guest may run: its virtual timer is looked at here."""
        return min(stop, vcpu.s[st.DEADLINE])

    # --- what has trapped ---------------------------------------------------------------------

    def handle(self, vcpu: VCPU, hart: PhysicalHart) -> int:
        """Find out what a trap from the guest means, note it, and handle it by its reason."""
        exit = self.examine(vcpu, hart)
        if vcpu.vm.exits.note(vcpu, exit):
            return EXIT_NONE
        return getattr(self, HANDLERS[exit.reason])(vcpu, exit)

    def examine(self, vcpu: VCPU, hart: PhysicalHart) -> VMExit:
        """Return the exit that a trap means."""
        cause, tval, pc = hart.s[st.CAUSE], hart.s[st.TVAL], vcpu.s[st.PC]
        if cause == st.ILLEGAL:
            return VMExit(privileged_reason(tval), cause, pc, -1, -1, tval)
        if cause == ECALL_U:
            kernel = vcpu.s[st.PRIV] == 1 and vcpu.s[st.HOST]
            return VMExit(Reason.CALL if kernel else Reason.SYSCALL, cause, pc)
        if cause in PAGE_FAULTS:
            return self.page_fault(vcpu, hart, cause, tval)
        return VMExit(Reason.EXCEPTION, cause, pc, tval)

    def page_fault(self, vcpu: VCPU, hart: PhysicalHart, cause: int, gva: int) -> VMExit:
        """Tell a true page fault from what only the hypervisor's tables do not allow."""
        access = PAGE_FAULTS[cause]
        gpa = vcpu.vm.paging.guest_walk(vcpu, gva, access)  # type: ignore[union-attr]
        if vcpu.s[st.EXIT]:
            return VMExit(Reason.FAULT, cause, vcpu.s[st.PC], gva)
        return self.refused(vcpu, hart, cause, access, gva, gpa)

    def refused(
        self, vcpu: VCPU, hart: PhysicalHart, cause: int, access: int, gva: int, gpa: int,
        implicit: int = 0,
    ) -> VMExit:  # fmt: skip
        """Say why the hart did not do an access that the guest's own tables allow.

        implicit: not 0 for an access of the page walker.
        """
        pc = vcpu.s[st.PC]
        reason = vcpu.vm.paging.obstacle(vcpu, gva, gpa, access)
        if reason is None:
            return VMExit(Reason.FILL, cause, pc, gva, gpa)
        if reason == Reason.MMIO and (implicit or access == st.FETCH):
            fault(vcpu.s, access, gva, False)  # page tables and code lie in RAM only
            return VMExit(Reason.FAULT, vcpu.s[st.CAUSE], pc, gva, gpa)
        return VMExit(reason, cause, pc, gva, gpa, hart.instruction_at(pc))

    # --- the handlers -------------------------------------------------------------------------

    def privileged(self, vcpu: VCPU, exit: VMExit) -> int:
        """Carry out a privileged instruction on the state of the virtual CPU."""
        s, word = vcpu.s, exit.instruction
        fenced = s[word >> 15 & 31]
        execute_system(s, vcpu.tlb, word)
        if s[st.EXIT] == st.EXIT_TRAP:  # the guest may not do this where it believes to be
            return take_trap(s, vcpu.tlb)
        if exit.reason == Reason.FENCE:
            vcpu.vm.paging.fence_instruction(word, fenced, s[word >> 20 & 31])
        elif exit.reason == Reason.CSR and 0x3A0 <= word >> 20 & 0xFFF < 0x3C0:
            vcpu.vm.paging.drop()  # physical memory protection has changed
        return s[st.EXIT]

    def system_call(self, vcpu: VCPU, exit: VMExit) -> int:
        """An ecall: from the guest's user to its kernel, or from its kernel to the firmware."""
        raise_trap(vcpu.s, ECALL_U + vcpu.s[st.PRIV], 0)
        return take_trap(vcpu.s, vcpu.tlb)

    def reflect(self, vcpu: VCPU, exit: VMExit) -> int:
        """Deliver the exception to the guest's kernel, as hardware would have."""
        raise_trap(vcpu.s, exit.cause, exit.gva)
        return take_trap(vcpu.s, vcpu.tlb)

    def illegal(self, vcpu: VCPU, exit: VMExit) -> int:
        """Deliver an illegal instruction; to a guest without H, those of H are illegal, too."""
        raise_trap(vcpu.s, st.ILLEGAL, exit.instruction)
        return take_trap(vcpu.s, vcpu.tlb)

    def true_fault(self, vcpu: VCPU, exit: VMExit) -> int:
        """Deliver the fault that `examine` has raised, as hardware alone would have."""
        return take_trap(vcpu.s, vcpu.tlb)

    def fill(self, vcpu: VCPU, exit: VMExit) -> int:
        """Let the paging layer map what is lacking; the guest tries again and never knows."""
        vcpu.vm.paging.fill(vcpu, exit.gva, exit.gpa)
        return EXIT_NONE

    def access(self, vcpu: VCPU, exit: VMExit) -> int:
        """Carry out one instruction whose access the hart must not do by itself."""
        if exit.reason == Reason.MMIO:
            return vcpu.access_device(exit.gva, exit.gpa, exit.instruction)
        if exit.reason == Reason.TABLE:
            reason = vcpu.store(exit.gva, exit.gpa, exit.instruction)
        else:
            reason = vcpu.interpret()
        if exit.cause == st.STORE_PAGE_FAULT:
            if exit.gva & 4095 > 4096 - 8:  # it may have reached into another page
                vcpu.vm.paging.drop()
            vcpu.vm.paging.written(exit.gpa, 8)
        return reason
