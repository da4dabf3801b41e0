"""Exercise 02.2's hypervisors: the package's trap-and-emulate with one method that is wrong.

The learner's function may run any guest program on one of them and on the bare machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from minihv.asm import assemble
from minihv.asm.operands import REGISTERS
from minihv.course.sealed import Sealed, opened
from minihv.devices.virt import Machine
from minihv.hw import state as st
from minihv.hw.bits import MASK64
from minihv.vmm import VM, Reason, TrapAndEmulate

MEMORY, BUDGET = 1 << 20, 5_000  # bytes; instructions of a guest
STATUS = ("sstatus", "sepc", "scause", "stval", "stvec", "sscratch", "satp", "sie")
Run = Callable[[str], SimpleNamespace]


class Clear(TrapAndEmulate):
    """csrrc sets."""

    def privileged(self, vcpu: Any, exit: Any) -> int:
        word = exit.instruction
        if exit.reason == Reason.CSR and word >> 12 & 3 == 3:
            exit = exit._replace(instruction=word & ~(1 << 12))
        return super().privileged(vcpu, exit)


class New(TrapAndEmulate):
    """rd gets the new value."""

    def privileged(self, vcpu: Any, exit: Any) -> int:
        reason = super().privileged(vcpu, exit)
        if exit.reason == Reason.CSR and reason == st.EXIT_NONE and vcpu.priv:
            word = exit.instruction
            name = next(n for n in vcpu.csr if vcpu.csr._number(n) == word >> 20)
            vcpu.x[word >> 7 & 31] = vcpu.csr[name]
        return reason


class Immediate(TrapAndEmulate):
    """The immediate forms take a register."""

    def privileged(self, vcpu: Any, exit: Any) -> int:
        if exit.reason == Reason.CSR:
            exit = exit._replace(instruction=exit.instruction & ~(1 << 14))
        return super().privileged(vcpu, exit)


class Mode(TrapAndEmulate):
    """sret always returns to U-mode."""

    def privileged(self, vcpu: Any, exit: Any) -> int:
        if exit.reason == Reason.RETURN:
            vcpu.csr["sstatus"] &= ~st.SPP
        return super().privileged(vcpu, exit)


class Interrupts(TrapAndEmulate):
    """sret does not bring SIE back."""

    def privileged(self, vcpu: Any, exit: Any) -> int:
        reason = super().privileged(vcpu, exit)
        if exit.reason == Reason.RETURN:
            vcpu.csr["sstatus"] &= ~st.SIE
        return reason


class Sepc(TrapAndEmulate):
    """A reflected system call returns after the ecall by itself."""

    def system_call(self, vcpu: Any, exit: Any) -> int:
        user = vcpu.priv == 0
        reason = super().system_call(vcpu, exit)
        if user:
            vcpu.csr["sepc"] += 4
        return reason


class Stval(TrapAndEmulate):
    """A true page fault is delivered without its address."""

    def true_fault(self, vcpu: Any, exit: Any) -> int:
        reason = super().true_fault(vcpu, exit)
        vcpu.csr["stval"] = 0
        return reason


class Clock(TrapAndEmulate):
    """An emulated CSR instruction does not count."""

    def privileged(self, vcpu: Any, exit: Any) -> int:
        reason = super().privileged(vcpu, exit)
        if exit.reason == Reason.CSR and reason == st.EXIT_NONE:
            vcpu.clock -= 1
        return reason


class Fence(TrapAndEmulate):
    """sfence.vma does not reach the shadow tables."""

    def privileged(self, vcpu: Any, exit: Any) -> int:
        if exit.reason == Reason.FENCE:
            vcpu.retire(4)
            return st.EXIT_NONE
        return super().privileged(vcpu, exit)


class Privilege(TrapAndEmulate):
    """The guest's user may do what only its kernel may."""

    def privileged(self, vcpu: Any, exit: Any) -> int:
        if exit.reason == Reason.CSR and vcpu.priv == 0:
            vcpu.priv = 1
            reason = super().privileged(vcpu, exit)
            vcpu.priv = 0
            return reason
        return super().privileged(vcpu, exit)


SUSPECTS: dict[str, type[TrapAndEmulate]] = {
    "clear": Clear, "new": New, "immediate": Immediate, "mode": Mode, "interrupts": Interrupts,
    "sepc": Sepc, "stval": Stval, "clock": Clock, "fence": Fence, "privilege": Privilege,
}  # fmt: skip


class Suspicious:
    """A hypervisor with a fault; `run` runs a guest on it, `bare` on the bare machine.

    Both assemble a guest that starts in S-mode at 0x80000000, run it, and return what it leaves.
    """

    suspects: Mapping[str, type] = SUSPECTS
    budget = BUDGET

    def __init__(self, fault: str):
        self._fault = Sealed(fault)

    def __repr__(self) -> str:
        return "a hypervisor with one fault: run(source) and bare(source) return what is left"

    def run(self, source: str) -> SimpleNamespace:
        """Run a guest under the hypervisor."""
        layer = self.suspects[planted(self)]()
        return left(VM(memory=MEMORY, cpu=layer, engine="python"), source, self.budget)

    @classmethod
    def bare(cls, source: str) -> SimpleNamespace:
        """Run it on the bare machine."""
        return left(Machine(memory=MEMORY, engine="python"), source, cls.budget)


def planted(one: Suspicious) -> str:
    """Return the name of a hypervisor's fault."""
    return opened(one._fault)


def left(machine: Machine, source: str, budget: int) -> SimpleNamespace:
    """Return what a guest leaves behind: .x by register name, .csr by name, .instructions, .end."""
    machine.load(assemble(source).elf(), boot="s")
    end = machine.run(budget)
    hart = machine.harts[0]
    return SimpleNamespace(
        x={name: hart.x[number] & MASK64 for number, name in enumerate(REGISTERS[:32])},
        csr={name: hart.csr[name] for name in STATUS}, instructions=machine.instructions,
        end=end.reason,
    )  # fmt: skip


def veil(fault: str) -> str:
    """Return a fault's name as the learner's side gets it, where a name would give it away."""
    return bytes(byte ^ 0x5A for byte in fault.encode()).hex()


def unveil(veiled: str) -> str:
    """Undo veil()."""
    return bytes(byte ^ 0x5A for byte in bytes.fromhex(veiled)).decode()


def suspicious(veiled: str, kind: type[Suspicious] = Suspicious) -> tuple[Run, Run]:
    """Return the arguments of find_fault: (run, bare)."""
    hypervisor = kind(unveil(veiled))
    return lambda source: hypervisor.run(source), kind.bare
