"""The virtual CPU of exercise 02.1, and the same state on a real hart, which knows the answer."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from minihv.asm import assemble
from minihv.hw import state as st
from minihv.hw.bits import MASK64, i64
from minihv.hw.hart import Hart
from minihv.hw.memory import Memory

NUMBERS = {0x100: "sstatus", 0x104: "sie", 0x105: "stvec", 0x140: "sscratch", 0x141: "sepc",
           0x142: "scause", 0x143: "stval", 0xC00: "cycle"}  # fmt: skip
SSTATUS = st.SIE | st.SPIE | st.SPP | st.SUM | st.MXR
WRITABLE = {"sstatus": SSTATUS, "sie": 0x222, "sepc": MASK64 - 1}
UXL = 2 << 32


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
        """All of it as plain data."""
        return {"x": list(self.x), "csr": dict(self.csr), "pc": self.pc, "mode": self.mode}

    def __repr__(self) -> str:
        csrs = "".join(f"\n  {name:9} {value:#x}" for name, value in self.csr.items())
        return f"mode {'US'[self.mode]}, pc {self.pc:#x}{csrs}"


def on_hart(state: dict[str, Any], word: int) -> dict[str, Any]:
    """What a real hart makes of this state and instruction."""
    hart = Hart(0, _MEMORY, "python")
    hart.own_machine_mode()
    s = hart.s
    for number, value in enumerate(state["x"]):
        s[number] = i64(value) if number else 0
    for name, value in state["csr"].items():
        hart.csr["mcycle" if name == "cycle" else name] = value
    hart.pc = state["pc"]
    hart.priv = state["mode"]
    _MEMORY.write(state["pc"], word.to_bytes(4, "little"))
    s[st.STOP_ON_TRAP] = 1
    hart.run(hart.clock + 1)
    csr = {name: hart.csr[name] for name in state["csr"]}
    csr["cycle"] = state["csr"]["cycle"]
    return {"x": [value & MASK64 for value in s[:32]], "csr": csr, "pc": hart.pc & MASK64,
            "mode": hart.priv}  # fmt: skip


_MEMORY = Memory(1 << 20)


def encode(text: str) -> int:
    """The word of one instruction."""
    return int.from_bytes(assemble(text).data[:4], "little")
