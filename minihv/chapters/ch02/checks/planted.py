"""Exercise 02.2: a hypervisor with a planted fault; find it by running small guests on it.

A seed makes several hypervisors. Each is the package's trap-and-emulate with one method that is
wrong in one way. The learner's function may run any guest program on it and on the bare machine,
and names the suspect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from typing import Any

from minihv.asm import assemble
from minihv.asm.operands import REGISTERS
from minihv.course.exercise import Verdict, wrong
from minihv.course.verdicts import trouble
from minihv.devices.virt import Machine
from minihv.hw import state as st
from minihv.hw.bits import MASK64
from minihv.vmm import VM, Reason, TrapAndEmulate

MEMORY, BUDGET = 1 << 20, 5_000
STATUS = ("sstatus", "sepc", "scause", "stval", "stvec", "sscratch", "satp", "sie")


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
    """A reflected system call returns behind the ecall by itself."""

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
MANY = 5  # hypervisors of an instance


@dataclass(frozen=True)
class Suspicious:
    """A hypervisor with a fault; `run` runs a guest on it, `bare` on the bare machine."""

    fault: str

    def __repr__(self) -> str:
        return "a hypervisor with one fault: run(source) and bare(source) return what is left"

    def run(self, source: str) -> SimpleNamespace:
        """Assemble a guest that starts in S-mode at 0x80000000, run it under the hypervisor."""
        return left(VM(memory=MEMORY, cpu=SUSPECTS[self.fault](), engine="python"), source)

    @staticmethod
    def bare(source: str) -> SimpleNamespace:
        """The same on the bare machine."""
        return left(Machine(memory=MEMORY, engine="python"), source)


def left(machine: Machine, source: str, budget: int = BUDGET) -> SimpleNamespace:
    """What a guest leaves behind: .x by register name, .csr by name, .instructions, .end."""
    machine.load(assemble(source).elf(), boot="s")
    end = machine.run(budget)
    hart = machine.harts[0]
    return SimpleNamespace(
        x={name: hart.x[number] & MASK64 for number, name in enumerate(REGISTERS[:32])},
        csr={name: hart.csr[name] for name in STATUS}, instructions=machine.instructions,
        end=end.reason,
    )  # fmt: skip


def make(rng: Random) -> list[Suspicious]:
    """Several hypervisors, no two alike."""
    return [Suspicious(fault) for fault in rng.sample(sorted(SUSPECTS), MANY)]


def ask(layers: list[Suspicious]) -> list[str]:
    """Which hypervisors to run on the learner's side, where a name would give them away."""
    return [_veil(layer.fault, k) for k, layer in enumerate(layers)]


def _veil(fault: str, k: int) -> str:
    return bytes(byte ^ 0x5A ^ k for byte in fault.encode()).hex()


def put(call: Callable[..., list], answers: Any, asked: list[str]) -> list:
    """One outcome a hypervisor: the name that the learner's function returns."""
    outcomes = []
    for k, veiled in enumerate(asked):
        fault = bytes(byte ^ 0x5A ^ k for byte in bytes.fromhex(veiled)).decode()
        run = _runner(fault)
        outcomes.append(call(answers[0], run, Suspicious.bare))
    return outcomes


def _runner(fault: str) -> Callable[[str], SimpleNamespace]:
    layer = SUSPECTS[fault]

    def run(source: str) -> SimpleNamespace:
        return left(VM(memory=MEMORY, cpu=layer(), engine="python"), source)

    return run


def judge(outcomes: list, layers: list[Suspicious]) -> Verdict:
    """The first hypervisor whose fault was not named."""
    if len(outcomes) != len(layers):
        return wrong("handback")
    for number, (outcome, layer) in enumerate(zip(outcomes, layers, strict=True), 1):
        facts = {"number": number}
        bad = trouble(outcome)
        if bad is not None:
            return bad if bad.key == "late" else wrong(f"{bad.key}_at", **bad.values, **facts)
        said = outcome[1]
        if type(said) is not str:
            return wrong("shape", got=repr(said)[:60], **facts)
        if said not in SUSPECTS:
            return wrong("no_suspect", got=said[:40], names=", ".join(SUSPECTS), **facts)
        if said != layer.fault:
            return wrong(f"innocent_{said}", **facts)
    return Verdict(True, "passed", {"count": len(layers)})


def counterpart() -> type:
    """The layer that none of them is."""
    return TrapAndEmulate


def play(layers: list[Suspicious]) -> Suspicious:
    """The first, to look at by hand."""
    return layers[0]


