"""Hardware assistance: the guest's kernel runs in VS-mode, its user programs in VU-mode.

The H extension gives the guest supervisor registers of its own, takes its system calls, timers and
interrupts to it, and translates its addresses twice. What is left for the hypervisor is to load
that state and to enter (`enter`), and to handle what it chose not to delegate (`handle`): firmware
calls, a wait for interrupts, guest-page faults, and what only the hypervisor may do.

The virtual CPU holds the guest's state as a hart without H would, so each S-mode register has its
VS-mode place on the physical hart; an interrupt of the guest stands one bit further left there.

Source: Privileged ISA 20240411, chapter 15; as KVM does it, without nested virtualization.
"""

from __future__ import annotations

from minihv.errors import ConfigError
from minihv.hw import state as st
from minihv.hw.tlb import update_contexts
from minihv.vmm import worldswitch
from minihv.vmm.emulate import PAGE_FAULTS, TrapAndEmulate, privileged_reason
from minihv.vmm.exits import Reason, VMExit
from minihv.vmm.host import MANY_NAMES, PhysicalHart
from minihv.vmm.vcpu import VCPU

GUEST_FAULTS = {
    st.FETCH_GUEST_FAULT: st.FETCH, st.LOAD_GUEST_FAULT: st.READ, st.STORE_GUEST_FAULT: st.WRITE,
}  # fmt: skip
ECALL_VS = 10
OWN_FAULTS = 1 << 12 | 1 << 13 | 1 << 15
# Left to the guest: misaligned addresses, illegal instructions, breakpoints, its user's calls.
OWN_TRAPS = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 8


class HardwareAssist(TrapAndEmulate):
    """Runs a VCPU in VS- and VU-mode. Override a method to change how an exit is handled.

    With NestedPaging the guest's page faults and fences are its own. With shadow paging, as on
    processors that could not yet translate twice, they are exits (hstatus.VTVM).
    """

    guest_mode = True

    def check(self, boot: str) -> None:
        """ConfigError unless a guest that starts in this mode ("m" or "s") can run."""
        if boot == "m":
            raise ConfigError(
                "this image starts in M-mode, and the H extension virtualizes S-mode only: "
                "run it with --mode trap, or boot a kernel that starts in S-mode"
            )

    # --- the world switch ---------------------------------------------------------------------

    def enter(self, vcpu: VCPU, hart: PhysicalHart, stop: int) -> int:
        """Load the guest's state, run it until the clock says `stop` or an exit, take it back."""
        s = hart.s
        paging = vcpu.vm.paging
        before = s[st.VIRT], s[st.PRIV], s[st.VSATP], s[st.HGATP], s[st.VSSTATUS]
        if not s[st.VIRT]:
            worldswitch.enter_guest_mode(hart)
        paging.enter(vcpu, hart)
        s[st.HEDELEG] = OWN_TRAPS | OWN_FAULTS if paging.nested else OWN_TRAPS
        s[st.HSTATUS] = 2 << 32 | st.VTW | (0 if paging.nested else st.VTVM)
        self.load(vcpu, hart)
        if before != (s[st.VIRT], s[st.PRIV], s[st.VSATP], s[st.HGATP], s[st.VSSTATUS]):
            if s[st.SPACES_USED] > MANY_NAMES:
                hart.flush()
            update_contexts(s, hart.tlb)
        reason = hart.run(stop)
        self.unload(vcpu, hart)
        return reason

    def load(self, vcpu: VCPU, hart: PhysicalHart) -> None:
        """Give the hart the guest's state; `worldswitch` says how."""
        worldswitch.load(vcpu, hart)

    def unload(self, vcpu: VCPU, hart: PhysicalHart) -> None:
        """Take back all that the guest can have changed."""
        worldswitch.unload(vcpu, hart)

    def install(self, hart: PhysicalHart, root: int) -> None:
        """Let shadow tables translate the guest's addresses, in one stage."""
        hart.s[st.VSATP] = hart.atp(root)
        hart.s[st.HGATP] = 0

    def next_look(self, vcpu: VCPU, stop: int) -> int:
        """Until when the guest may run: the hart looks at its timer itself."""
        return stop

    # --- what has trapped ---------------------------------------------------------------------

    def examine(self, vcpu: VCPU, hart: PhysicalHart) -> VMExit:
        """Return the exit that a trap means."""
        s, pc = hart.s, vcpu.s[st.PC]
        cause, tval = s[st.CAUSE], s[st.TVAL]
        if cause in GUEST_FAULTS:
            implicit = s[st.TINST]  # not 0 where the walker read or marked a PTE
            gpa = s[st.GPA] << 2 | (0 if implicit else tval & 3)
            return self.refused(vcpu, hart, cause, GUEST_FAULTS[cause], tval, gpa, implicit)
        if cause == st.VIRTUAL_INSTRUCTION:
            return VMExit(privileged_reason(tval), cause, pc, -1, -1, tval)
        if cause == ECALL_VS:
            return VMExit(Reason.CALL, cause, pc)
        if cause in PAGE_FAULTS:
            return self.page_fault(vcpu, hart, cause, tval)
        return VMExit(Reason.EXCEPTION, cause, pc, tval)
