"""A bench for single instructions: one hart on an empty board, set up from Python.

    lab = Lab("jit")
    lab.map(0x4000, DATA, "rwxad u"); lab.priv = 1
    assert lab.do("ld a0, (a1)", a1=0x4000) is None        # no trap
    assert lab.do("sd a0, (a1)", a1=0x5000) == (15, 0x5000)  # cause and tval

`do` puts the instruction at CODE (or at `at`), gives the registers their values, executes one
instruction in the current mode and says which trap it took. Traps go to HANDLER, a jump to
itself.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from minihv.asm import assemble
from minihv.devices.virt import Machine
from minihv.hw import state as st
from minihv.hw.bits import MASK64

ENGINES = ("python", "jit")
both_engines = pytest.mark.parametrize("engine", ENGINES)

RAM = st.RAM_BASE
SIZE = 1 << 20
CODE, HANDLER, DATA, TABLES = RAM, RAM + 0x8000, RAM + 0x10000, RAM + 0x80000
VALID, READ, WRITE, EXECUTE, USER, GLOBAL, ACCESSED, DIRTY = (1 << k for k in range(8))
LETTERS = {"v": 1, "r": 2, "w": 4, "x": 8, "u": 16, "g": 32, "a": 64, "d": 128}
NUMBER = {"ra": 1, "sp": 2, "t0": 5, "t1": 6, "t2": 7} | {f"a{k}": 10 + k for k in range(8)}
M, S, U = 3, 1, 0
WORDS: dict[str, bytes] = {}


class Trap(NamedTuple):
    """What a trap left behind; `cause` is negative for an interrupt."""

    cause: int
    tval: int


def bits(letters: str) -> int:
    """PTE bits by their letters; V is set unless "-" stands among them."""
    return sum(LETTERS[c] for c in letters if c in LETTERS) | ("-" not in letters)


class Lab:
    """One hart in M-mode, PMP open for all, no translation."""

    def __init__(self, engine: str, **options: object):
        self.machine = Machine(memory=SIZE, engine=engine, **options)  # type: ignore[arg-type]
        self.memory = self.machine.memory
        self.hart = self.machine.harts[0]
        self.csr = self.hart.csr
        self.s = self.hart.s
        self.priv = M
        self.memory.write(HANDLER, bytes.fromhex("6f000000"))
        self.csr["mtvec"] = self.csr["stvec"] = HANDLER
        self.csr["pmpaddr0"] = (1 << 54) - 1
        self.csr["pmpcfg0"] = 0x1F
        self.free = TABLES + 0x1000

    # --- running ------------------------------------------------------------------------------

    def put(self, text: str, at: int = CODE) -> int:
        """Assemble `text` to physical address `at`; the address behind it."""
        key = f"{at} {text}"
        if key not in WORDS:
            WORDS[key] = assemble(text, at).data
        self.memory.write(at, WORDS[key])
        return at + len(WORDS[key])

    def set(self, **registers: int) -> None:
        """Give registers (by ABI name) values."""
        for name, value in registers.items():
            self.hart.x[NUMBER[name]] = value

    def __getitem__(self, name: str) -> int:
        """A register's value, unsigned."""
        return self.hart.x[NUMBER[name]] & MASK64

    def step(self) -> Trap | None:
        """Execute one instruction in the hart's state; the trap that it took, or None."""
        before = self.s[st.TRAPS]
        self.machine.step()
        if self.s[st.TRAPS] == before:
            return None
        mode = "m" if self.hart.priv == M else "s"
        cause = self.csr[f"{mode}cause"]
        return Trap(cause - (cause >> 63 << 64), self.csr[f"{mode}tval"])

    def do(self, text: str, *, at: int = CODE, va: int | None = None, **registers: int):
        """Execute the instruction `text` in mode `priv`, from `va` (default `at`); its trap."""
        self.put(text, at)
        return self.jump(at if va is None else va, **registers)

    def jump(self, va: int, **registers: int) -> Trap | None:
        """Execute the instruction that lies at `va`, in mode `priv`; its trap."""
        self.set(**registers)
        self.hart.pc = va
        self.hart.priv = self.priv
        return self.step()

    def set_bits(self, csr: str, *names: int) -> None:
        """Set bits of a CSR."""
        for bit in names:
            self.csr[csr] |= bit

    def clear_bits(self, csr: str, *names: int) -> None:
        """Clear bits of a CSR."""
        for bit in names:
            self.csr[csr] &= ~bit & MASK64

    # --- page tables --------------------------------------------------------------------------

    def paging(self, priv: int = S) -> Lab:
        """Turn Sv39 on with the first 64 KiB of RAM mapped one to one, and go to `priv`."""
        self.csr["satp"] = 8 << 60 | TABLES >> 12
        letters = "rxad" if priv == S else "rxadu"
        for page in range(CODE, DATA, 0x1000):
            self.map(page, page, letters)
        self.csr["medeleg"] = 0
        self.priv = priv
        return self

    def entry(self, va: int, level: int = 0) -> int:
        """The physical address of the PTE for `va` at `level`; makes tables on the way."""
        table = TABLES
        for above in range(2, level, -1):
            address = table + (va >> 12 + 9 * above & 511) * 8
            pte = self.memory.read_u64(address)
            if not pte & VALID:
                pte = self.free >> 12 << 10 | VALID
                self.write(address, pte)
                self.free += 0x1000
            table = (pte >> 10) << 12
        return table + (va >> 12 + 9 * level & 511) * 8

    def map(self, va: int, pa: int, letters: str, level: int = 0, extra: int = 0) -> int:
        """Map the page of `va` to `pa` with the flags in `letters`; the PTE's address."""
        address = self.entry(va, level)
        self.write(address, pa >> 12 << 10 | bits(letters) | extra)
        return address

    def write(self, address: int, value: int) -> None:
        """Store a doubleword at physical `address`."""
        self.memory.write(address, (value & MASK64).to_bytes(8, "little"))

    def read(self, address: int) -> int:
        """The doubleword at physical `address`."""
        return self.memory.read_u64(address)

    def fence(self, va: int | None = None) -> None:
        """sfence.vma for all, or for one page."""
        self.hart.priv = M
        assert self.jump_in_m("sfence.vma" if va is None else "sfence.vma a0", va) is None

    def jump_in_m(self, text: str, a0: int | None) -> Trap | None:
        """Execute an instruction in M-mode, then return to the mode as it was.

        It lies in a page that holds code already: a new page of code would flush the TLB.
        """
        priv, old = self.priv, self.hart.x[10]
        self.priv = M
        trap = self.do(text, at=CODE + 0x800, **({} if a0 is None else {"a0": a0}))
        self.priv, self.hart.x[10] = priv, old
        return trap


def program(engine: str, source: str, **options: object) -> Machine:
    """A machine with `source` assembled at the start of RAM, its harts there in M-mode."""
    options.setdefault("memory", SIZE)
    machine = Machine(engine=engine, **options)  # type: ignore[arg-type]
    machine.memory.write(RAM, assemble(source, RAM).data)
    for hart in machine.harts:
        hart.pc = RAM
        hart.x[10] = hart.id
    return machine
