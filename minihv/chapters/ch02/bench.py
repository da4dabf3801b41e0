"""A bench for single instructions: execute one in a mode, in a state, and see what it did.

The hart on the bench is one as a hypervisor has it: every trap comes to the host, the counters
are lent to S-mode and not to U-mode. Memory is mapped by page tables of which there are four: for
the user and for the kernel, and for both with the same contents at another physical place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from minihv.asm import assemble
from minihv.devices.virt import Machine
from minihv.hw import state as st
from minihv.hw.csr import read_csr
from minihv.hw.isa import INSTRUCTIONS, Instruction
from minihv.hw.registers import NUMBER

U, S, M = 0, 1, 3
CODE, DATA, ELSEWHERE = 0x80010000, 0x80020000, 0x40000  # virtual, and how far the other place is
TABLES, PAGE, OTHER_FRAME = 0x80000000, 4096, 0x8000
WINDOW = 256  # bytes of data that are looked at
TICKING = {"cycle", "time", "instret", "mcycle", "minstret"}

# What "another control state" is: bits to flip that leave the bench itself working.
_ADDRESSES = "stvec sscratch sepc scause stval mtvec mscratch mepc mcause mtval medeleg"
FLIPS = {
    **dict.fromkeys(_ADDRESSES.split(), 0x1230), **{f"pmpaddr{n}": 1 << 20 for n in range(1, 16)},
    "sstatus": st.SUM | st.MXR, "mideleg": 1 << 9, "mie": 1 << 5, "mip": 1 << 1,
    "scounteren": 1, "mcounteren": 1,
    "senvcfg": 1, "menvcfg": 1, "stimecmp": 1 << 62, "pmpaddr0": 1 << 53, "pmpcfg0": 4 << 56,
    "pmpcfg2": 4 << 56, "mcycle": 1 << 40, "minstret": 1 << 40,
}  # fmt: skip

OPERANDS = {"rd": "a0", "rs1": "a1", "rs2": "a2", "imm20": "1", "imm": "16", "uimm": "16",
            "target": f"{CODE + 64:#x}", "pred": "rw", "succ": "rw"}  # fmt: skip


SOURCES = ({"rs1": "a1", "zimm": "21"}, {"rs1": "a2", "zimm": "2"})  # of CSR instructions


class Seen(NamedTuple):
    """What one instruction did.

    trap: the cause if it trapped, else None. result: pc, registers and data, None after a trap.
    control: whether it changed the mode, a CSR, waiting, or what the hart remembers of its tables.
    """

    trap: int | None
    result: tuple | None
    control: bool


class Bench:
    """One hart to try instructions on; `sensitive` as Machine's, other options are Machine's."""

    def __init__(self, sensitive: str = "trap", **options: object):
        self.machine = Machine(1 << 20, engine="python", sensitive=sensitive, **options)  # type: ignore[arg-type]
        hart = self.hart = self.machine.harts[0]
        hart.own_machine_mode()
        hart.host_modes = 3
        self.csrs = [NUMBER[name] for name in hart.csr if name not in TICKING]
        self.roots = {}
        for k, key in enumerate([(U, 0), (U, ELSEWHERE), (S, 0), (S, ELSEWHERE)]):
            self.roots[key] = self._map(TABLES + 3 * PAGE * k, *key)
        for frame in range(DATA, DATA + 2 * ELSEWHERE, OTHER_FRAME):
            same = frame % (2 * OTHER_FRAME) == 0  # the mapped frames have equal contents
            self._write(frame, *((0x123456789ABCDEF * (n + 1) >> same) for n in range(WINDOW // 8)))
        for number in range(1, 32):
            hart.x[number] = 0x1111 * number
        hart.x[2] = hart.x[11] = DATA
        hart.x[12] = -1
        self.clean = hart.state.copy()

    def _write(self, address: int, *words: int) -> None:
        data = b"".join((word & (1 << 64) - 1).to_bytes(8, "little") for word in words)
        self.machine.memory.write(address, data)

    def _map(self, root: int, mode: int, place: int) -> int:
        """Return three tables at `root` that map the pages CODE and DATA for `mode` to a place."""
        for level in (2, 1):
            table = root + (2 - level) * PAGE
            self._write(table + 8 * (CODE >> 12 + 9 * level & 511), table + PAGE >> 2 | 1)
        for page in (CODE, DATA):
            self._write(self._leaf(root, page), self._pte(page + place, mode))
        return root

    def _leaf(self, root: int, page: int) -> int:
        return root + 2 * PAGE + 8 * (page >> 12 & 511)

    def _pte(self, frame: int, mode: int) -> int:
        return frame >> 2 | 0b11001111 | (mode == U) << 4

    def run(self, text: str, mode: int, other: bool = False, moved: bool = False) -> Seen:
        """Execute one instruction in `mode`.

        other: in another control state (FLIPS, another hart's number). moved: with memory's
        contents at another physical place (not in M-mode, which is not translated).
        """
        hart, memory = self.hart, self.machine.memory
        place = ELSEWHERE if moved else 0
        root = self.roots[S if mode == M else mode, place]
        hart.state[:] = self.clean
        if other:
            hart.s[st.HARTID], hart.mtime = 7, 1 << 40
            for name, bits in FLIPS.items():
                hart.csr[name] = hart.csr[name] ^ bits
        hart.csr["satp"] = 8 << 60 | root >> 12
        hart.flush()
        memory.write(CODE + place, _encoded(text))
        hart.pc, hart.priv = CODE, mode
        hart.run(hart.clock + 1)  # the load: from now on the hart remembers where DATA is
        data, before = memory.read(DATA + place, WINDOW), self._control()
        if hart.run(hart.clock + 1) == st.EXIT_TRAP:
            return Seen(hart.s[st.CAUSE], None, False)
        result = hart.pc, tuple(hart.state[:32].tolist()), memory.read(DATA + place, WINDOW)
        changed = before != self._control() or (mode != M and self._forgot(root, mode, place))
        memory.write(DATA + place, data)
        return Seen(None, result, changed)

    def _control(self) -> tuple:
        s = self.hart.s
        return s[st.PRIV], s[st.WAIT], [read_csr(s, number) for number in self.csrs]

    def _forgot(self, root: int, mode: int, place: int) -> bool:
        """Map DATA to another frame, without a fence: does the hart notice?"""
        hart, leaf = self.hart, self._leaf(root, DATA)
        old = self.machine.memory.read_u64(DATA + place + 248)
        self._write(leaf, self._pte(DATA + place + OTHER_FRAME, mode))
        hart.pc = CODE + 8
        hart.x[11] = DATA
        reason = hart.run(hart.clock + 1)
        self._write(leaf, self._pte(DATA + place, mode))
        return reason != st.EXIT_BUDGET or hart.x[10] != old - (old >> 63 << 64)


@lru_cache(2000)
def _encoded(text: str) -> bytes:
    """Return a load that makes the hart remember DATA, the instruction, a load for `_forgot`."""
    code = assemble(f"ld zero, 0(a1)\n{text}", CODE).data
    return code.ljust(8, b"\0") + assemble("ld a0, 248(a1)").data


def spell(row: Instruction, **given: str) -> str:
    """Return an instruction of the table with operands filled in, as the assembler reads it."""
    fill = {**OPERANDS, **given}
    parts = [re.sub(r"[a-z]\w*'?", lambda m: fill.get(m[0].rstrip("'"), m[0]), part)
             for part in row.syntax]  # fmt: skip
    return f"{row.name} {', '.join(parts)}".strip()


def spellings(bench: Bench) -> Iterator[tuple[str, list[str]]]:
    """Return every instruction of the machine: its name, and one or two ways to spell it out.

    For CSRs an instruction is a form together with a register: `csrrw sepc`, `csrr time`, ...
    """
    forms = [row for row in INSTRUCTIONS if row.extension == "Zicsr"]
    for row in INSTRUCTIONS:
        if row not in forms and (row.extension != "H" or "hstatus" in bench.hart.csr):
            yield row.name, [spell(row)]
    for name in bench.hart.csr:
        yield f"csrr {name}", [f"csrr a0, {name}"]
        for row in forms:
            yield f"{row.name} {name}", [spell(row, csr=name, **operand) for operand in SOURCES]
