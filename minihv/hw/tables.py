"""Lookup tables of the run loop, made from the encoding table and the CSR rows.

Each table exists as a memoryview (what plain Python reads fastest) under its own name, and as the
NumPy array behind it in `ARRAYS` (what the compiled engine freezes into its code).
"""

from __future__ import annotations

import numpy as np

from minihv.hw import state as st
from minihv.hw.isa import INSTRUCTIONS, Instruction
from minihv.hw.ops import OP_BY_NAME, OP_LOADS_RAW, OP_SHORT
from minihv.hw.semantics import LOAD, STORE

# --- CSRs ---------------------------------------------------------------------------------------

ALL = -1  # every bit can be written
SPECIAL = -2  # csr.py has code for it
ABSENT = -1

MSTATUS_WRITABLE = (
    st.SIE | st.MIE_BIT | st.SPIE | st.MPIE | st.SPP | 3 << st.MPP_SHIFT
    | st.MPRV | st.SUM | st.MXR | st.TVM | st.TW | st.TSR
)  # fmt: skip
SSTATUS_WRITABLE = st.SIE | st.SPIE | st.SPP | st.SUM | st.MXR
SUPERVISOR_INTERRUPTS = 1 << 1 | 1 << 5 | 1 << 9
ALL_INTERRUPTS = SUPERVISOR_INTERRUPTS | 1 << 3 | 1 << 7 | 1 << 11
DELEGABLE = 0xB3FF  # all exceptions but ecall from M and the reserved causes
GUEST_INTERRUPTS = 1 << 2 | 1 << 6 | 1 << 10  # VSSI, VSTI, VSEI
GUEST_DELEGABLE = 0xB1FF  # what HS-mode can leave to VS-mode (section 15.2.2)
HSTATUS_WRITABLE = st.VTSR | st.VTW | st.VTVM | st.HU | st.SPVP | st.SPV | st.HS_GVA
COUNTERS = 7  # cycle, time, instret

# number, slot, bits that a write may change (the rest keep their value)
CSR_ROWS: list[tuple[int, int, int]] = [
    (0x100, SPECIAL, SSTATUS_WRITABLE),  # sstatus
    (0x104, SPECIAL, 0),  # sie
    (0x105, st.STVEC, ALL),
    (0x106, st.SCOUNTEREN, COUNTERS),
    (0x10A, st.SENVCFG, 1),
    (0x140, st.SSCRATCH, ALL),
    (0x141, st.SEPC, ~1),
    (0x142, st.SCAUSE, ALL),
    (0x143, st.STVAL, ALL),
    (0x144, SPECIAL, 0),  # sip
    (0x14D, st.STIMECMP, ALL),
    (0x180, st.SATP, ALL),
    (0x200, st.VSSTATUS, SSTATUS_WRITABLE),
    (0x204, SPECIAL, 0),  # vsie
    (0x205, st.VSTVEC, ALL),
    (0x240, st.VSSCRATCH, ALL),
    (0x241, st.VSEPC, ~1),
    (0x242, st.VSCAUSE, ALL),
    (0x243, st.VSTVAL, ALL),
    (0x244, SPECIAL, 0),  # vsip
    (0x24D, st.VSTIMECMP, ALL),
    (0x280, st.VSATP, ALL),
    (0x300, st.MSTATUS, MSTATUS_WRITABLE),
    (0x301, st.MISA, 0),
    (0x302, st.MEDELEG, DELEGABLE),
    (0x303, st.MIDELEG, SUPERVISOR_INTERRUPTS),
    (0x304, st.MIE, ALL_INTERRUPTS),
    (0x305, st.MTVEC, ALL),
    (0x306, st.MCOUNTEREN, COUNTERS),
    (0x30A, st.MENVCFG, st.STCE | 1),
    (0x320, st.ZERO, 0),  # mcountinhibit: the counters never stop
    (0x340, st.MSCRATCH, ALL),
    (0x341, st.MEPC, ~1),
    (0x342, st.MCAUSE, ALL),
    (0x343, st.MTVAL, ALL),
    (0x344, SPECIAL, SUPERVISOR_INTERRUPTS),  # mip
    (0x34A, st.MTINST, ALL),
    (0x34B, st.MTVAL2, ALL),
    (0x3A0, SPECIAL, ALL),  # pmpcfg0
    (0x3A2, SPECIAL, ALL),  # pmpcfg2
    *((0x3B0 + i, SPECIAL, ALL) for i in range(16)),  # pmpaddr0..15
    (0x600, st.HSTATUS, HSTATUS_WRITABLE),
    (0x602, st.HEDELEG, GUEST_DELEGABLE),
    (0x603, st.HIDELEG, GUEST_INTERRUPTS),
    (0x604, SPECIAL, 0),  # hie
    (0x605, st.HTIMEDELTA, ALL),
    (0x606, st.HCOUNTEREN, COUNTERS),
    (0x607, st.ZERO, 0),  # hgeie: no guest external interrupts of their own (GEILEN = 0)
    (0x60A, st.HENVCFG, st.STCE | 1),
    (0x643, st.HTVAL, ALL),
    (0x644, SPECIAL, 0),  # hip
    (0x645, SPECIAL, GUEST_INTERRUPTS),  # hvip
    (0x64A, st.HTINST, ALL),
    (0x680, st.HGATP, ALL),
    *((0x7A0 + i, st.ZERO, 0) for i in range(5)),  # tselect, tdata1-3, tinfo: no triggers
    (0xB00, SPECIAL, ALL),  # mcycle
    (0xB02, SPECIAL, ALL),  # minstret
    *((0xB03 + i, st.ZERO, 0) for i in range(29)),  # mhpmcounter3..31
    *((0x323 + i, st.ZERO, 0) for i in range(29)),  # mhpmevent3..31
    (0xC00, SPECIAL, 0),  # cycle
    (0xC01, SPECIAL, 0),  # time
    (0xC02, SPECIAL, 0),  # instret
    *((0xC03 + i, st.ZERO, 0) for i in range(29)),  # hpmcounter3..31
    (0xE12, st.ZERO, 0),  # hgeip
    *((0xF11 + i, st.ZERO, 0) for i in range(3)),  # mvendorid, marchid, mimpid
    (0xF14, st.HARTID, 0),
    (0xF15, st.ZERO, 0),  # mconfigptr
]

_slots = np.full(4096, ABSENT, dtype=np.int64)
_masks = np.zeros(4096, dtype=np.int64)
for _number, _slot, _mask in CSR_ROWS:
    _slots[_number] = _slot
    _masks[_number] = _mask

# --- decoding -----------------------------------------------------------------------------------
# Candidates of a word are the rows from FIRST[key] to FIRST[key + 1], key = opcode (7 bits) of a
# 32-bit word, or 128 + quadrant | funct3 << 2 of a 16-bit one.

ROLES = {"rd": 0, "rs1": 1, "rs2": 2, "imm": 3}
PIECES = 16  # (role, source, width, target) at most, four slots each
_ROLE_OF = {"rd": 0, "rd'": 0, "rs1": 1, "rs1'": 1, "rs2": 2, "rs2'": 2, "imm": 3, "uimm": 3}


def _registers(row: Instruction) -> list[tuple[int, str]]:
    """(role, operand) of the base instruction for every operand that the engine needs."""
    if not row.base:
        return [(_ROLE_OF[f], f) for f in row.fields if f in _ROLE_OF]
    base = next(r for r in INSTRUCTIONS if r.name == row.base)
    syntax = [part for text in base.syntax for part in text.rstrip(")").split("(")]
    roles = {"imm20": 3, "target": 3, **_ROLE_OF}
    return [(roles[role], operand) for role, operand in zip(syntax, row.base_operands, strict=True)]


def _row(row: Instruction) -> tuple[list[int], list[int]]:
    """A row of ROWS (match, mask, op, access, excluded...) and its pieces."""
    name = row.base or row.name
    op = OP_BY_NAME[name]
    if row.size == 2 and name in OP_SHORT:
        op = OP_SHORT[name]
    constants = [0, 0, 0, 0]
    pieces: list[int] = []
    signed = 0
    if op not in OP_LOADS_RAW:
        for role, operand in _registers(row):
            if operand in row.fields:
                if operand.endswith("'"):
                    constants[role] = 8
                for p in row.fields[operand]:
                    pieces += [role, p.source, p.width, p.target]
                if operand == "imm":
                    signed = max(p.target + p.width for p in row.fields[operand])
            else:
                constants[role] = int(operand.lstrip("x"))
    excluded_mask = 0
    for field_name in row.excluded:
        for p in row.fields[field_name]:
            excluded_mask |= (1 << p.width) - 1 << p.source
    access = 0  # funct3 of a load, or of a store with bit 3 set
    if name in LOAD or name in STORE:
        access = LOAD[name] if name in LOAD else 8 | STORE[name]
    counted = [excluded_mask, signed, len(pieces) // 4]
    head = [row.match, row.mask, op, access, *counted, *constants]
    return head, pieces


def _decode_tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    heads, tails, first = [], [], [0]
    for key in range(160):
        size = 4 if key < 128 else 2
        low = 0x7F if size == 4 else 0xE003
        bits = key if size == 4 else (key & 3) | (key >> 2 & 7) << 13
        for row in INSTRUCTIONS:
            if row.size == size and (bits ^ row.match) & row.mask & low == 0:
                head, pieces = _row(row)
                heads.append(head)
                tails.append(pieces + [0] * (4 * PIECES - len(pieces)))
        first.append(len(heads))
    return (
        np.array(first, dtype=np.int64),
        np.array(heads, dtype=np.int64).reshape(-1),
        np.array(tails, dtype=np.int64).reshape(-1),
    )


HEAD = 11  # slots of a row of ROWS
_first, _heads, _pieces = _decode_tables()

ARRAYS = {
    "CSR_SLOT": _slots,
    "CSR_MASK": _masks,
    "FIRST": _first,
    "ROWS": _heads,
    "ROW_PIECES": _pieces,
}
CSR_SLOT = memoryview(_slots)
CSR_MASK = memoryview(_masks)
FIRST = memoryview(_first)
ROWS = memoryview(_heads)
ROW_PIECES = memoryview(_pieces)
