"""Lookup tables of the run loop, made from the encoding table and the CSR rows.

Each table exists as a memoryview (what plain Python reads fastest) under its own name, and as the
NumPy array under it in `ARRAYS` (what the compiled engine freezes into its code).
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from minihv.hw import state as st
from minihv.hw.isa import BY_NAME, Instruction, Piece, candidates
from minihv.hw.ops import OP_BY_NAME, OP_LOADS_RAW, OP_SHORT
from minihv.hw.semantics import MEANING

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

_AT = {"rd": 8, "rs1": 14, "rs2": 19, "imm": 32, "uimm": 32, "imm20": 32, "target": 32}


class Row(NamedTuple):
    """An instruction as the decoder sees it; each field is a column, and a table of that name."""

    match: int
    mask: int
    needed: int  # unless 0: one of these bits must be set
    base: int  # the decoded form, but for the pieces of the word that go into it
    signed: int  # bits of a sign-extended immediate, else 0
    piece: int  # the first of its pieces, which end where those of the next row begin


def _operands(row: Instruction) -> list[tuple[int, str]]:
    """Where in the decoded form each field or constant of a row belongs."""
    if not row.base:
        return [(_AT[name], name) for name in row.fields if name in _AT]
    syntax = re.findall(r"\w+", " ".join(BY_NAME[row.base].syntax))
    return [(_AT[token], text) for token, text in zip(syntax, row.base_operands, strict=True)]


def _row(row: Instruction, pieces: list[Piece]) -> Row:
    """Return the row of an instruction, and append its pieces."""
    name, first = row.base or row.name, len(pieces)
    op, signed = OP_BY_NAME[name], 0
    base = MEANING[name].access << 25
    if row.size == 2:
        op, base = OP_SHORT.get(name, op), base | 1 << 24
    for at, text in _operands(row) if op not in OP_LOADS_RAW else []:
        if text not in row.fields:
            base |= int(text.lstrip("x")) << at
            continue
        base |= 8 << at if text.endswith("'") else 0
        pieces += [piece._replace(target=piece.target + at) for piece in row.fields[text]]
        if text == "imm":
            signed = max(piece.target + piece.width for piece in row.fields[text])
    excluded = (piece for name in row.excluded for piece in row.fields[name])
    needed = sum((1 << piece.width) - 1 << piece.source for piece in excluded)
    return Row(row.match, row.mask, needed, op | base, signed, first)


def _decoding() -> dict[str, np.ndarray]:
    first, rows, pieces = [0], list[Row](), list[Piece]()
    for key in range(160):
        bits, size = (key, 4) if key < 128 else ((key & 3) | (key >> 2 & 7) << 13, 2)
        rows += [_row(row, pieces) for row in candidates(bits, size)]
        first.append(len(rows))
    rows.append(Row(0, 0, 0, 0, 0, len(pieces)))
    names = ("first", *Row._fields, *Piece._fields)
    columns = (first, *zip(*rows, strict=True), *zip(*pieces, strict=True))
    named = zip(names, columns, strict=True)
    return {name.upper(): np.array(column, np.int64) for name, column in named}


ARRAYS = {"CSR_SLOT": _slots, "CSR_MASK": _masks, **_decoding()}
CSR_SLOT, CSR_MASK, FIRST, MATCH, MASK, NEEDED, BASE, SIGNED, PIECE, SOURCE, WIDTH, TARGET = (
    memoryview(array) for array in ARRAYS.values()
)
