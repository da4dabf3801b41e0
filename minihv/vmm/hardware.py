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
from minihv.hw.causes import SUPERVISOR_INTERRUPTS
from minihv.hw.mmu import fault
from minihv.hw.registers import SSTATUS_WRITABLE
from minihv.hw.state import EXIT_NONE
from minihv.hw.tlb import update_contexts
from minihv.hw.trap import refresh_timers, take_trap
from minihv.vmm.emulate import ACCESS, TrapAndEmulate, privileged_reason
from minihv.vmm.exits import Reason, VMExit
from minihv.vmm.host import MANY_NAMES, PhysicalHart
from minihv.vmm.vcpu import VCPU

GUEST_FAULTS = {
    st.FETCH_GUEST_FAULT: st.FETCH, st.LOAD_GUEST_FAULT: st.READ, st.STORE_GUEST_FAULT: st.WRITE,
}  # fmt: skip
ECALL_VS = 10
PAGE_FAULTS = 1 << 12 | 1 << 13 | 1 << 15
# Left to the guest: misaligned addresses, illegal instructions, breakpoints, its user's calls.
OWN_TRAPS = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 8
SSI, STI = 1 << 1, 1 << 5

# What hart and virtual CPU have at the same place: registers, privilege, clock, waiting, traps.
HEAD = slice(0, st.RESERVATION + 1)
TIMES = slice(st.CYCLE_OFFSET, st.INSTRET_OFFSET + 1)
SHARED_CSRS = slice(st.SCOUNTEREN, st.SENVCFG + 1)  # there is one of these for HS and VS
S_CSRS, VS_CSRS = slice(st.STVEC, st.STVAL + 1), slice(st.VSTVEC, st.VSTVAL + 1)
COUNTS = slice(st.TRAP_COUNT, st.TRAP_COUNT + 64)


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
            self.configure(hart)
        paging.enter(vcpu, hart)
        s[st.HEDELEG] = OWN_TRAPS | PAGE_FAULTS if paging.nested else OWN_TRAPS
        s[st.HSTATUS] = 2 << 32 | st.VTW | (0 if paging.nested else st.VTVM)
        self.load(vcpu, hart)
        if before != (s[st.VIRT], s[st.PRIV], s[st.VSATP], s[st.HGATP], s[st.VSSTATUS]):
            if s[st.SPACES_USED] > MANY_NAMES:
                hart.flush()
            update_contexts(s, hart.tlb)
        reason = hart.run(stop)
        self.unload(vcpu, hart)
        return reason

    def configure(self, hart: PhysicalHart) -> None:
        """What all guests of this mode have in common: the guest may use timer and counters."""
        s = hart.s
        s[st.VIRT] = 1
        s[st.HENVCFG] = st.STCE
        s[st.HCOUNTEREN] = 7
        s[st.HIDELEG] = SUPERVISOR_INTERRUPTS << 1

    def load(self, vcpu: VCPU, hart: PhysicalHart) -> None:
        """Guest registers, its supervisor state as VS-mode's, its interrupts through hvip."""
        v, s = vcpu.s, hart.s
        s[HEAD] = v[HEAD]
        s[st.RESERVATION] = vcpu.reservation_for_host()
        s[VS_CSRS] = v[S_CSRS]
        s[SHARED_CSRS] = v[SHARED_CSRS]
        s[TIMES] = v[TIMES]
        s[COUNTS] = v[COUNTS]
        s[st.VSSTATUS] = v[st.MSTATUS] & SSTATUS_WRITABLE | 2 << 32
        s[st.VSTIMECMP] = v[st.STIMECMP]
        s[st.HTIMEDELTA] = v[st.TIME_OFFSET]
        s[st.MISALIGNED] = v[st.MISALIGNED]
        s[st.SVADE] = v[st.SVADE]
        pending = v[st.MIP_SOFT] | v[st.MIP_LINE] & ~STI
        s[st.MIP_SOFT] = (pending & SUPERVISOR_INTERRUPTS) << 1
        s[st.MIP_LINE] = (v[st.MIP_LINE] & STI) << 1  # its comparator stands in vstimecmp
        s[st.MIE] = (v[st.MIE] & SUPERVISOR_INTERRUPTS) << 1
        if vcpu.has_stops or s[st.BREAKPOINTS] or s[st.CSR_WATCHES]:
            vcpu.copy_stops(hart)

    def unload(self, vcpu: VCPU, hart: PhysicalHart) -> None:
        """Take back all that the guest can have changed."""
        v, s = vcpu.s, hart.s
        deadline, skip = v[st.DEADLINE], v[st.SKIP]
        v[HEAD] = s[HEAD]
        vcpu.keep_reservation(s[st.RESERVATION])
        v[S_CSRS] = s[VS_CSRS]
        v[SHARED_CSRS] = s[SHARED_CSRS]
        v[COUNTS] = s[COUNTS]
        v[st.MSTATUS] = v[st.MSTATUS] & ~SSTATUS_WRITABLE | s[st.VSSTATUS] & SSTATUS_WRITABLE
        if vcpu.vm.paging.nested:
            v[st.SATP] = s[st.VSATP]
        v[st.MIE] = v[st.MIE] & ~SUPERVISOR_INTERRUPTS | s[st.MIE] >> 1 & SUPERVISOR_INTERRUPTS
        v[st.MIP_SOFT] = v[st.MIP_SOFT] & ~SSI | s[st.MIP_SOFT] >> 1 & SSI
        v[st.SKIP] = s[st.SKIP] if s[st.BREAKPOINTS] or s[st.CSR_WATCHES] else skip
        if s[st.DEADLINE] == deadline and s[st.VSTIMECMP] == v[st.STIMECMP]:
            return
        v[st.STIMECMP] = s[st.VSTIMECMP]
        refresh_timers(v)

    def install(self, hart: PhysicalHart, root: int) -> None:
        """Let shadow tables translate the guest's addresses, in one stage."""
        hart.s[st.VSATP] = hart.atp(root)
        hart.s[st.HGATP] = 0

    def next_look(self, vcpu: VCPU, stop: int) -> int:
        """Until when the guest may run: the hart looks at its timer itself."""
        return stop

    # --- what has trapped ---------------------------------------------------------------------

    def examine(self, vcpu: VCPU, hart: PhysicalHart) -> tuple:
        """The exit that a trap means, and what handles it."""
        s, pc = hart.s, vcpu.s[st.PC]
        cause, tval = s[st.CAUSE], s[st.TVAL]
        if cause in GUEST_FAULTS:
            gpa = s[st.GPA] << 2 | (0 if s[st.TINST] else tval & 3)
            return self.look_at_guest_fault(vcpu, hart, cause, tval, gpa)
        if cause in ACCESS:
            return self.look_at_fault(vcpu, hart, cause, tval)
        if cause == st.VIRTUAL_INSTRUCTION:
            reason = privileged_reason(tval)
            action = self.illegal if reason == Reason.ILLEGAL else self.privileged
            return VMExit(reason, cause, pc, -1, -1, tval), action
        if cause == ECALL_VS:
            return VMExit(Reason.CALL, cause, pc), self.system_call
        return VMExit(Reason.EXCEPTION, cause, pc, tval), self.reflect

    def illegal(self, vcpu: VCPU, exit: VMExit) -> int:
        """To a guest whose machine has no H, its instructions are illegal."""
        return self.reflect(vcpu, exit._replace(cause=st.ILLEGAL))

    def look_at_guest_fault(
        self, vcpu: VCPU, hart: PhysicalHart, cause: int, gva: int, gpa: int
    ) -> tuple:
        """The G-stage has no page for gpa: memory not yet mapped, a device, or nothing at all."""
        pc, access, implicit = vcpu.s[st.PC], GUEST_FAULTS[cause], hart.s[st.TINST]
        reason = vcpu.vm.paging.obstacle(vcpu, gva, gpa, access)
        if reason is None:
            return VMExit(Reason.FILL, cause, pc, gva, gpa), self.fill
        if reason == Reason.MMIO and (implicit or access == st.FETCH):
            fault(vcpu.s, access, gva, False)  # page tables and code lie in RAM only
            return VMExit(Reason.FAULT, vcpu.s[st.CAUSE], pc, gva, gpa), self.true_fault
        return VMExit(reason, cause, pc, gva, gpa, hart.instruction_at(pc)), self.access

    def true_fault(self, vcpu: VCPU, exit: VMExit) -> int:
        """The fault that hardware without a hypervisor would have raised goes to the guest."""
        return take_trap(vcpu.s, vcpu.tlb)

    def fill(self, vcpu: VCPU, exit: VMExit) -> int:
        """Map what the guest touches for the first time; it tries again and never knows."""
        vcpu.vm.paging.fill(vcpu, exit.gva, exit.gpa)
        return EXIT_NONE
