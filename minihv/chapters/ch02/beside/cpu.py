"""The virtual CPU of exercise 02.1, by itself and over a vCPU of the package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any

from minihv.hw import state as st
from minihv.hw.bits import MASK64
from minihv.hw.registers import CSR_SLOT, NUMBER

NUMBERS = {0x100: "sstatus", 0x104: "sie", 0x105: "stvec", 0x140: "sscratch", 0x141: "sepc",
           0x142: "scause", 0x143: "stval", 0xC00: "cycle"}  # fmt: skip
SSTATUS = st.SIE | st.SPIE | st.SPP | st.SUM | st.MXR
WRITABLE = {"sstatus": SSTATUS, "sie": 0x222, "sepc": MASK64 - 1}


class CsrFile(MutableMapping[str, int]):
    """The CSRs by name, unsigned. A write keeps what the register can hold, as hardware does."""

    def __init__(self, values: dict[str, int]):
        self._values = values

    def __getitem__(self, name: str) -> int:
        return self._values[name]

    def __setitem__(self, name: str, value: int) -> None:
        old, mask = self._values[name], WRITABLE.get(name, MASK64)
        if name == "stvec" and value & 2:
            return  # a mode that does not exist
        self._values[name] = (old & ~mask | value & mask) & MASK64

    def __delitem__(self, name: str) -> None:
        raise TypeError("a CSR cannot be deleted")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class Cpu:
    """A virtual CPU: `x` (32 registers, unsigned), `csr` by name, `pc`, `mode` (0 U, 1 S).

    `names` gives the CSRs of this machine by number. cpu.x[0] has to stay 0.
    """

    names = NUMBERS

    def __init__(self, state: dict[str, Any]):
        self.x = list(state["x"])
        self.csr = CsrFile(dict(state["csr"]))
        self.pc, self.mode = state["pc"], state["mode"]

    def state(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {"x": list(self.x), "csr": dict(self.csr), "pc": self.pc, "mode": self.mode}

    def __repr__(self) -> str:
        csrs = "".join(f"\n  {name:9} {value:#x}" for name, value in self.csr.items())
        return f"mode {'US'[self.mode]}, pc {self.pc:#x}{csrs}"


def emulated(call: Callable[..., list], answers: Sequence[Any], asked: Any) -> list:
    """Return an outcome per case: the state of the CPU after the learner's emulation."""

    def after(state: dict[str, Any], word: int) -> dict[str, Any]:
        cpu = Cpu(state)
        answers[0](cpu, word)
        return cpu.state()

    return [call(after, state, word) for state, word in asked]


def boot(emulate: Any, append: str = "workload=syscalls n=50") -> list[str]:
    """Boot labos with `emulate` for its kernel's CSR accesses and sret; what differs from bare."""
    from minihv.chapters.ch02.comparison import outcome
    from minihv.devices.virt import Machine
    from minihv.vmm import VM, Reason

    vm = VM(memory=16 << 20)

    def handle(vcpu: Any, exit: Any) -> bool:
        if vcpu.priv == 0:
            return False
        cpu = OnVcpu(vcpu)
        emulate(cpu, exit.instruction)
        cpu.back(vcpu)
        return True

    vm.on(Reason.CSR, Reason.RETURN)(handle)
    bare = outcome(Machine(16 << 20), append=append)
    return outcome(vm, append=append, most=2_000_000).differences(bare)


class OnVcpu(Cpu):
    """A vCPU of the package as the Cpu of this exercise; `back` writes the changes to it."""

    names = {number: name for name, number in NUMBER.items() if CSR_SLOT[number] != -1}

    def __init__(self, vcpu: Any):
        self.x = [value & MASK64 for value in vcpu.s[:32]]
        self.csr = vcpu.csr
        self.pc, self.mode = vcpu.pc & MASK64, vcpu.priv

    def back(self, vcpu: Any) -> None:
        """Registers, pc and mode; the instruction counts."""
        for number in range(1, 32):
            vcpu.x[number] = self.x[number]
        vcpu.pc = self.pc
        vcpu.priv = self.mode
        vcpu.clock += 1
