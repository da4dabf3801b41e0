"""Trap and emulate: the guest's kernel runs in U-mode, and we do for it what it may not do there.

Popek and Goldberg's construction (1974). On this machine every sensitive instruction traps from
U-mode, so a hypervisor that catches those traps keeps the control state of the guest to itself:
the guest's S-mode exists only in its VCPU. Three cases make up the whole layer:

* a privileged instruction is carried out on the VCPU's state (`privileged`);
* a trap that the guest's own kernel has to see is delivered there (`reflect`);
* a page fault is the paging layer's, unless the guest's own tables cause it (`true_fault`).

Clock: all counts as on hardware. An emulated instruction counts once; one that is retried after a
fill counts when it is done, and a call into the host does not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from operator import attrgetter

from minihv.errors import ConfigError, MinihvError
from minihv.hw import ops, system
from minihv.hw import state as st
from minihv.hw.decode import decode
from minihv.hw.mmu import PTE_U, WRITES_PTE, data_privilege, fault, permitted
from minihv.hw.pmp import pmp_allows
from minihv.hw.state import ECALL_U, EXIT_NONE
from minihv.hw.system import MRET, SRET, WFI
from minihv.vmm.exits import Reason, VMExit
from minihv.vmm.host import PhysicalHart
from minihv.vmm.layers import RWX, UNTRANSLATED, Cpu, Paging, Regime
from minihv.vmm.shadow import ShadowPaging
from minihv.vmm.vcpu import VCPU, execute_system, take_trap

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
# The methods in whose place `shortly` stands.
NAMES = frozenset(
    ("examine", "handle", "privileged", "system_call", "page_fault", "refused", "fill"))
EVERY_ACCESS = (st.READ, st.WRITE, st.FETCH)
MOST_FRUITLESS = 1000  # exits of one instruction: no right layer needs so many


STEPS = attrgetter(*sorted(NAMES))  # of a class
PLAIN: dict[object, tuple] = {}  # what they are where a `shortly` was written for them


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
    """Return what kind of instruction `word` is, given that U-mode may not execute it."""
    if decode(word, -1) & 0xFF != ops.SYSTEM:
        return Reason.ILLEGAL
    if word >> 12 & 3:
        return Reason.CSR
    if word == WFI:
        return Reason.WAIT
    if word in (SRET, MRET):
        return Reason.RETURN
    if _names_pages(word) or word in (system.SFENCE_W_INVAL, system.SFENCE_INVAL_IR):
        return Reason.FENCE
    return Reason.ILLEGAL


@lru_cache(4096)
def decoded(word: int) -> tuple[Reason, bool]:
    """Return the same, and whether the instruction concerns the virtual CPU's state alone."""
    reason, protection = privileged_reason(word), 0x3A0 <= word >> 20 & 0xFFF < 0x3C0
    return reason, reason == Reason.RETURN or (reason == Reason.CSR and not protection)


def _names_pages(word: int) -> bool:
    """Return whether `word` is sfence.vma or sinval.vma."""
    return word >> 25 & ~system.SINVAL == system.SFENCE_VMA


@lru_cache(4096)
def allowed(flags: int, priv: int, status: int) -> int:
    """Return R, W and X as far as a leaf with these flags allows the access; see `permitted`."""
    # READ, WRITE, FETCH are 1, 2, 4; R, W, X are 2, 4, 8.
    return sum(access << 1 for access in EVERY_ACCESS if permitted(flags, access, priv, status))


class TrapAndEmulate(Cpu):
    """Runs a VCPU deprivileged. Override a method to change how one kind of exit is handled.

    A handler gets the VCPU and the exit; the guest's registers, pc and clock are in the VCPU. It
    returns NONE, or a reason to return to the board (EXIT_MMIO, EXIT_TRAP for a call, ...).
    """

    modes: Mapping[int, str] = {0: "vU", 1: "vS", 3: "vM"}

    def new_paging(self) -> Paging:
        """Return the paging layer of a VM that was given none."""
        return ShadowPaging()

    def check(self, boot: str) -> None:
        """Let guests start in M-mode, too."""

    def run(self, vcpu: VCPU, stop: int) -> int:
        """Run until the VCPU's clock is `stop` or the board is needed; return why (EXIT_*)."""
        s, hart, late = vcpu.s, vcpu.physical, vcpu.vm.board.late
        settle, silent, plain = vcpu.calls.settle, hart.s[st.SILENT] != 0, self.is_plain(vcpu)
        fruitless, place, before = 0, -1, -1
        while True:
            reason = settle(stop)
            if reason:
                return reason
            reason = self.enter(vcpu, hart, stop)
            if reason == st.EXIT_TRAP:
                pc, clock = (0, s[st.CLOCK] - s[st.IDLE]) if silent else (s[st.PC], s[st.CLOCK])
                if pc == place and clock == before:
                    fruitless += 1
                    if fruitless > MOST_FRUITLESS:
                        if silent:  # its traps lead nowhere, for its stvec was never seen
                            return st.EXIT_LOST
                        raise LayerError(vcpu.vm.exits.log[-1])
                else:
                    fruitless, place, before = 0, pc, clock
                done = self.shortly(vcpu, hart) if plain else None
                if done is None:
                    vcpu.begin()
                    done = self.handle(vcpu, hart)
                reason = done
            elif reason == st.EXIT_BUDGET:
                reason = self.time_is_up(vcpu, hart, stop)
            if reason:
                return reason
            if late():
                return st.EXIT_BUDGET

    # --- exits that are met most ---------------------------------------------------------------

    def is_plain(self, vcpu: VCPU) -> bool:
        """Return whether exits are handled as this class says, unobserved: `shortly` may serve."""
        kind, exits = type(self), vcpu.vm.exits
        return (STEPS(kind) == PLAIN.get(kind.shortly) and not exits.observers
                and NAMES.isdisjoint(self.__dict__) and "note" not in exits.__dict__)  # fmt: skip

    def shortly(self, vcpu: VCPU, hart: PhysicalHart) -> int | None:
        """As `handle`, in fewer steps; None for an exit that it has to see."""
        s, cause = vcpu.s, hart.s[st.CAUSE]
        if cause == ECALL_U:
            priv = s[st.PRIV]
            vcpu.vm.exits.count(Reason.CALL if priv == 1 and s[st.HOST] else Reason.SYSCALL,
                                cause, s[st.PC])  # fmt: skip
            return vcpu.calls.deliver(ECALL_U + priv, 0)
        if cause == st.ILLEGAL:
            word = hart.s[st.TVAL]
            reason, alone = decoded(word)
            exits = vcpu.vm.exits
            exits.count(reason, cause, s[st.PC], -1, -1, word)
            if alone:
                return vcpu.calls.emulate(word)
            vcpu.begin()
            return getattr(self, HANDLERS[reason])(vcpu, exits.log[-1])
        paging = vcpu.vm.paging
        if cause not in PAGE_FAULTS or type(paging).guest_walk is not GUEST_WALK:
            return None
        access, gva, reads = PAGE_FAULTS[cause], hart.s[st.TVAL], s[st.WALK_READS]
        gpa = vcpu.calls.reachable(gva, access)
        if gpa < 0 or type(paging).obstacle is not OBSTACLE:
            return None
        if access == st.WRITE and vcpu.memory.protects(gpa):
            return None
        paging.walker.note(s, s[st.WALK_READS] - reads)  # type: ignore[attr-defined]
        vcpu.vm.exits.count(Reason.FILL, cause, s[st.PC], gva, gpa)
        paging.fill(vcpu, gva, gpa)
        return EXIT_NONE

    def time_is_up(self, vcpu: VCPU, hart: PhysicalHart, stop: int) -> int:
        """Note that the hart ran as long as it may: the turn is over, or a timer has expired."""
        over = vcpu.s[st.CLOCK] >= stop
        vcpu.vm.exits.note(vcpu, VMExit(Reason.SLICE if over else Reason.TIMER, -1, vcpu.s[st.PC]))
        return EXIT_NONE

    # --- the world switch ---------------------------------------------------------------------

    def enter(self, vcpu: VCPU, hart: PhysicalHart, stop: int) -> int:
        """Run the guest on the hart until `stop`, a virtual timer, or an exit; return why."""
        s, paging = hart.s, vcpu.vm.paging
        if s[st.VIRT]:  # the guest before this one was in VS-mode
            hart.deprivilege()
        switch = vcpu.switch(hart)
        table = getattr(paging, "table", None)
        if not switch.to_user() or table is None or table is not vcpu.table:
            paging.enter(vcpu, hart)
            plain = type(self).regime is REGIME
            vcpu.table = getattr(paging, "table", None) if plain else None
        deadline = vcpu.s[st.DEADLINE]
        reason = hart.run(stop if stop < deadline else deadline)
        switch.from_user()
        return reason

    def install(self, hart: PhysicalHart, root: int) -> None:
        """Let tables gva -> hpa (their root at an hpa) translate, in one stage."""
        hart.translate_by(root)

    def nest(self) -> None:
        """ConfigError: in U-mode there is one stage."""
        raise ConfigError(
            "nested paging needs the H extension's second stage: "
            "take cpu=HardwareAssist() (or --mode hardware)"
        )

    def regime(self, vcpu: VCPU) -> Regime:
        """Return all that decides: the hart is in U-mode, whichever mode the guest is in."""
        s = vcpu.s
        priv, status = s[st.PRIV], s[st.MSTATUS]
        satp = 0 if priv == 3 else s[st.SATP]
        flags = 0
        if satp:
            flags = status & (st.SUM | st.MXR if priv else st.MXR)
        elsewhere = status & st.MPRV != 0 and data_privilege(s) != priv
        return satp, priv, flags, elsewhere, vcpu.protection

    def rights(self, vcpu: VCPU, gpa: int, pte: int) -> int:
        """Return U and what the guest's leaf `pte` and its PMP allow in this regime."""
        s, rights = vcpu.s, pte
        priv, status = s[st.PRIV], s[st.MSTATUS]
        if pte != UNTRANSLATED:
            rights = allowed(pte & 0xFF, priv, status & (st.SUM | st.MXR))
        if status & st.MPRV and data_privilege(s) != priv:
            rights &= st.FETCH << 1
        if not vcpu.unprotected:
            for access in EVERY_ACCESS:
                if not pmp_allows(s, gpa & -4096, 4096, access, priv):
                    rights &= ~(access << 1)
        return rights & RWX | PTE_U

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
            return self.page_fault(vcpu, hart)
        return VMExit(Reason.EXCEPTION, cause, pc, tval)

    def page_fault(self, vcpu: VCPU, hart: PhysicalHart) -> VMExit:
        """Tell a true page fault from what only the hypervisor's tables do not allow."""
        cause, gva = hart.s[st.CAUSE], hart.s[st.TVAL]
        gpa = vcpu.vm.paging.guest_walk(vcpu, gva, PAGE_FAULTS[cause])
        if vcpu.s[st.EXIT]:
            return VMExit(Reason.FAULT, cause, vcpu.s[st.PC], gva)
        return self.refused(vcpu, hart, PAGE_FAULTS[cause], gva, gpa)

    def refused(self, vcpu: VCPU, hart: PhysicalHart, access: int, gva: int, gpa: int) -> VMExit:
        """Say why the hart did not do an access that the guest's own tables allow."""
        cause, pc = hart.s[st.CAUSE], vcpu.s[st.PC]
        implicit = hart.s[st.TINST]  # htinst: not 0 if it was the walker, at a PTE
        wanted = st.WRITE if implicit == WRITES_PTE else access
        reason = vcpu.vm.paging.obstacle(vcpu, gva, gpa, wanted)
        if reason is None:
            return VMExit(Reason.FILL, cause, pc, gva, gpa)
        if reason == Reason.MMIO and (implicit or access == st.FETCH):
            fault(vcpu.s, access, gva, False)  # page tables and code lie in RAM only
            return VMExit(Reason.FAULT, vcpu.s[st.CAUSE], pc, gva, gpa)
        if implicit:
            reason = Reason.ACCESS  # the instruction is carried out together with its walk
        return VMExit(reason, cause, pc, gva, gpa, hart.instruction_at(pc))

    # --- the handlers -------------------------------------------------------------------------

    def privileged(self, vcpu: VCPU, exit: VMExit) -> int:
        """Carry out a privileged instruction on the state of the virtual CPU."""
        s, word = vcpu.s, exit.instruction
        fenced = s[word >> 15 & 31]
        execute_system(s, vcpu.tlb, word)
        if s[st.EXIT] == st.EXIT_TRAP:  # the guest may not do this in its own mode either
            return take_trap(s, vcpu.tlb)
        if exit.reason == Reason.FENCE and _names_pages(word):
            vcpu.vm.paging.fence_instruction(word, fenced, s[word >> 20 & 31])
        elif exit.reason == Reason.CSR and 0x3A0 <= word >> 20 & 0xFFF < 0x3C0:
            vcpu.vm.paging.drop()  # physical memory protection has changed
        return s[st.EXIT]

    def system_call(self, vcpu: VCPU, exit: VMExit) -> int:
        """Deliver an ecall: of the guest's user to its kernel, of its kernel to the firmware."""
        return vcpu.calls.deliver(ECALL_U + vcpu.s[st.PRIV], 0)

    def reflect(self, vcpu: VCPU, exit: VMExit) -> int:
        """Deliver the exception to the guest's kernel, as hardware would have."""
        return vcpu.calls.deliver(exit.cause, exit.gva)

    def illegal(self, vcpu: VCPU, exit: VMExit) -> int:
        """Deliver an illegal instruction; to a guest without H, those of H are illegal, too."""
        return vcpu.calls.deliver(st.ILLEGAL, exit.instruction)

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
        if exit.cause in (st.STORE_PAGE_FAULT, st.STORE_GUEST_FAULT):
            if exit.gva & 4095 > 4096 - 8:  # it may have reached into another page
                vcpu.vm.paging.drop()
            vcpu.vm.paging.written(exit.gpa, 8)
        return reason


REGIME = TrapAndEmulate.regime  # what a table is made for, unless a layer says otherwise
PLAIN[TrapAndEmulate.shortly] = STEPS(TrapAndEmulate)
GUEST_WALK, OBSTACLE = ShadowPaging.guest_walk, ShadowPaging.obstacle
