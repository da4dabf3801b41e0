"""Hardware assistance: the guest's kernel runs in VS-mode, its user programs in VU-mode.

The H extension gives the guest supervisor registers of its own, takes its system calls, timers and
interrupts to it, and translates its addresses twice. What is left for the hypervisor is to switch
worlds (`enter`), and to handle what it does not delegate: firmware calls, waits for interrupts,
guest-page faults, and what only the hypervisor may do.

The virtual CPU holds the guest's state as a hart without H would, so each S-mode register has its
VS-mode place on the physical hart; an interrupt of the guest stands one bit further left there.

Source: Privileged ISA 20240411, chapter 15; as KVM does it, without nested virtualization.
"""

from __future__ import annotations

from collections.abc import Mapping

from minihv.errors import ConfigError
from minihv.hw import state as st
from minihv.hw.mmu import PTE_U, WRITES_PTE
from minihv.hw.state import ECALL_U
from minihv.vmm import worldswitch
from minihv.vmm.emulate import PAGE_FAULTS, PLAIN, STEPS, TrapAndEmulate, privileged_reason
from minihv.vmm.exits import Reason, VMExit
from minihv.vmm.host import MANY_NAMES, PhysicalHart
from minihv.vmm.layers import RWX, UNTRANSLATED, Paging, Regime
from minihv.vmm.nested import NestedPaging
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

    modes: Mapping[int, str] = {0: "V", 1: "V"}  # VS or VU: from outside one cannot tell
    hedeleg, hstatus = OWN_TRAPS, 2 << 32 | st.VTW | st.VTVM  # VTVM: satp and fences are exits

    def new_paging(self) -> Paging:
        """Return the paging layer of a VM that was given none."""
        return NestedPaging()

    def check(self, boot: str) -> None:
        """ConfigError if the guest starts in M-mode."""
        if boot == "m":
            raise ConfigError(
                "this image starts in M-mode, and the H extension virtualizes S-mode only: "
                "run it with --mode trap, or boot a kernel that starts in S-mode"
            )

    # --- the world switch ---------------------------------------------------------------------

    def enter(self, vcpu: VCPU, hart: PhysicalHart, stop: int) -> int:
        """Load the guest's state, run it until the clock is `stop` or an exit, take it back."""
        s = hart.s
        if not s[st.VIRT]:
            worldswitch.enter_guest_mode(hart)
        vcpu.vm.paging.enter(vcpu, hart)
        s[st.HEDELEG], s[st.HSTATUS] = self.hedeleg, self.hstatus
        self.load(vcpu, hart)
        if s[st.SPACES_USED] > MANY_NAMES:
            hart.flush()
        hart.calls.update_contexts()
        reason = hart.run(stop)
        self.unload(vcpu, hart)
        return reason

    def load(self, vcpu: VCPU, hart: PhysicalHart) -> None:
        """Give the hart the guest's state; `worldswitch` says how."""
        vcpu.switch(hart).load()

    def unload(self, vcpu: VCPU, hart: PhysicalHart) -> None:
        """Take back all that the guest can have changed."""
        vcpu.switch(hart).unload()

    def install(self, hart: PhysicalHart, root: int) -> None:
        """Let tables gva -> hpa (their root at an hpa) translate, in one stage."""
        hart.s[st.VSATP] = hart.atp(root)
        hart.s[st.HGATP] = 0

    def nest(self) -> None:
        """Leave page faults, fences and vsatp to the guest: its tables are the first stage."""
        self.hedeleg |= OWN_FAULTS
        self.hstatus &= ~st.VTVM

    def regime(self, vcpu: VCPU) -> Regime:
        """Return the address space: U, SUM and MXR are the hart's to look at, and S owns all."""
        satp = vcpu.s[st.SATP]
        return satp, 1 if satp else vcpu.s[st.PRIV], 0, False, 0

    def rights(self, vcpu: VCPU, gpa: int, pte: int) -> int:
        """Return them as they are in the guest's leaf."""
        user = pte & PTE_U if pte != UNTRANSLATED else PTE_U * (vcpu.s[st.PRIV] == 0)
        return pte & RWX | user

    # --- exits that are met most ---------------------------------------------------------------

    def shortly(self, vcpu: VCPU, hart: PhysicalHart) -> int | None:
        """As `handle`, in fewer steps; None for an exit that it has to see."""
        s, vm = hart.s, vcpu.vm
        cause, pc = s[st.CAUSE], vcpu.s[st.PC]
        if cause == ECALL_VS:
            vm.exits.count(Reason.CALL, cause, pc)
            return vcpu.calls.deliver(ECALL_U + vcpu.s[st.PRIV], 0)
        if cause not in GUEST_FAULTS or type(vm.paging).obstacle is not OBSTACLE:
            return None
        gva, implicit = s[st.TVAL], s[st.TINST]
        gpa = s[st.GPA] << 2 | (0 if implicit else gva & 3)
        wanted = st.WRITE if implicit == WRITES_PTE else GUEST_FAULTS[cause]
        if vm.memory.obstacle(gpa, wanted) is not None:
            return None
        vm.exits.count(Reason.FILL, cause, pc, gva, gpa)
        vm.paging.fill(vcpu, gva, gpa)
        return st.EXIT_NONE

    # --- what has trapped ---------------------------------------------------------------------

    def examine(self, vcpu: VCPU, hart: PhysicalHart) -> VMExit:
        """Return the exit that a trap means."""
        s, pc = hart.s, vcpu.s[st.PC]
        cause, tval = s[st.CAUSE], s[st.TVAL]
        if cause in GUEST_FAULTS:
            gpa = s[st.GPA] << 2 | (0 if s[st.TINST] else tval & 3)
            return self.refused(vcpu, hart, GUEST_FAULTS[cause], tval, gpa)
        if cause == st.VIRTUAL_INSTRUCTION:
            return VMExit(privileged_reason(tval), cause, pc, -1, -1, tval)
        if cause == ECALL_VS:
            return VMExit(Reason.CALL, cause, pc)
        if cause in PAGE_FAULTS:
            return self.page_fault(vcpu, hart)
        return VMExit(Reason.EXCEPTION, cause, pc, tval)


PLAIN[HardwareAssist.shortly] = STEPS(HardwareAssist)
OBSTACLE = Paging.obstacle
