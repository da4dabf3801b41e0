"""The CSR table: one row a register with its number, its name and its bit fields.

A row is ``number name field:bit field:high-low ...``; ``name3..31`` stands for a family with
consecutive numbers and ``name0..2/2`` for every second one. The number says the rest: bits 11:10
are 3 where the register is read-only, bits 9:8 are the lowest mode that may touch it (0 U, 1 S,
2 HS, 3 M). F's and H's registers are rows as well, in groups of their own, so that a hart without
them leaves the group out.

Source: RISC-V Privileged ISA 20240411, section 2.2 (listing), chapter 3 (machine level), chapter
10 (supervisor level), chapter 15 (H), section 3.1.15 (causes), Sstc, Sscofpmf, Smepmp.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_SSTATUS = "SD:63 UXL:33-32 MXR:19 SUM:18 XS:16-15 FS:14-13 VS:10-9 SPP:8 UBE:6 SPIE:5 SIE:1"
_CAUSE = "Interrupt:63 Code:62-0"
_TVEC = "BASE:63-2 MODE:1-0"
_SATP = "MODE:63-60 ASID:59-44 PPN:43-0"
_COUNTERS = "HPM:31-3 IR:2 TM:1 CY:0"
_ENVCFG = "CBZE:7 CBCFE:6 CBIE:5-4 FIOM:0"

UNPRIVILEGED = """
0xc00 cycle
0xc01 time
0xc02 instret
0xc03 hpmcounter3..31
"""

SUPERVISOR = f"""
0x100 sstatus       {_SSTATUS}
0x104 sie           LCOFIE:13 SEIE:9 STIE:5 SSIE:1
0x105 stvec         {_TVEC}
0x106 scounteren    {_COUNTERS}
0x10a senvcfg       {_ENVCFG}
0x140 sscratch
0x141 sepc
0x142 scause        {_CAUSE}
0x143 stval
0x144 sip           LCOFIP:13 SEIP:9 STIP:5 SSIP:1
0x14d stimecmp
0x180 satp          {_SATP}
0xda0 scountovf     OF:31-3
"""

MACHINE = f"""
0x300 mstatus       SD:63 MPV:39 GVA:38 MBE:37 SBE:36 SXL:35-34 UXL:33-32 TSR:22 TW:21 TVM:20 \
MXR:19 SUM:18 MPRV:17 XS:16-15 FS:14-13 MPP:12-11 VS:10-9 SPP:8 MPIE:7 UBE:6 SPIE:5 MIE:3 SIE:1
0x301 misa          MXL:63-62 Extensions:25-0
0x302 medeleg
0x303 mideleg
0x304 mie           LCOFIE:13 SGEIE:12 MEIE:11 VSEIE:10 SEIE:9 MTIE:7 VSTIE:6 STIE:5 \
MSIE:3 VSSIE:2 SSIE:1
0x305 mtvec         {_TVEC}
0x306 mcounteren    {_COUNTERS}
0x30a menvcfg       STCE:63 PBMTE:62 ADUE:61 CDE:60 {_ENVCFG}
0x320 mcountinhibit HPM:31-3 IR:2 CY:0
0x323 mhpmevent3..31 OF:63 MINH:62 SINH:61 UINH:60 VSINH:59 VUINH:58
0x340 mscratch
0x341 mepc
0x342 mcause        {_CAUSE}
0x343 mtval
0x344 mip           LCOFIP:13 SGEIP:12 MEIP:11 VSEIP:10 SEIP:9 MTIP:7 VSTIP:6 STIP:5 \
MSIP:3 VSSIP:2 SSIP:1
0x3a0 pmpcfg0..2/2
0x3b0 pmpaddr0..15
0x747 mseccfg       SSEED:9 USEED:8 RLB:2 MMWP:1 MML:0
0xb00 mcycle
0xb02 minstret
0xb03 mhpmcounter3..31
0xf11 mvendorid     Bank:31-7 Offset:6-0
0xf12 marchid
0xf13 mimpid
0xf14 mhartid
0xf15 mconfigptr
"""

DEBUG = """
0x5a8 scontext
0x7a0 tselect
0x7a1 tdata1..3     Type:63-60 Dmode:59 Data:58-0
0x7a4 tinfo
0x7a5 tcontrol      MPTE:7 MTE:3
0x7a8 mcontext
0x7b0 dcsr
0x7b1 dpc
0x7b2 dscratch0..1
"""

FLOAT = """
0x001 fflags        NV:4 DZ:3 OF:2 UF:1 NX:0
0x002 frm           FRM:2-0
0x003 fcsr          FRM:7-5 NV:4 DZ:3 OF:2 UF:1 NX:0
"""

HYPERVISOR = f"""
0x200 vsstatus      {_SSTATUS}
0x204 vsie          LCOFIE:13 SEIE:9 STIE:5 SSIE:1
0x205 vstvec        {_TVEC}
0x240 vsscratch
0x241 vsepc
0x242 vscause       {_CAUSE}
0x243 vstval
0x244 vsip          LCOFIP:13 SEIP:9 STIP:5 SSIP:1
0x24d vstimecmp
0x280 vsatp         {_SATP}
0x34a mtinst
0x34b mtval2
0x600 hstatus       VSXL:33-32 VTSR:22 VTW:21 VTVM:20 VGEIN:17-12 HU:9 SPVP:8 SPV:7 GVA:6 VSBE:5
0x602 hedeleg
0x603 hideleg
0x604 hie           SGEIE:12 VSEIE:10 VSTIE:6 VSSIE:2
0x605 htimedelta
0x606 hcounteren    {_COUNTERS}
0x607 hgeie
0x60a henvcfg       STCE:63 PBMTE:62 ADUE:61 {_ENVCFG}
0x643 htval
0x644 hip           SGEIP:12 VSEIP:10 VSTIP:6 VSSIP:2
0x645 hvip          VSEIP:10 VSTIP:6 VSSIP:2
0x64a htinst
0x680 hgatp         MODE:63-60 VMID:57-44 PPN:43-0
0x6a8 hcontext
0xe12 hgeip
"""

GROUPS = {
    "unprivileged": UNPRIVILEGED,
    "supervisor": SUPERVISOR,
    "machine": MACHINE,
    "debug": DEBUG,
    "F": FLOAT,
    "H": HYPERVISOR,
}


class Field(NamedTuple):
    """``width`` bits of a CSR from bit ``low`` up, under the manual's name."""

    name: str
    low: int
    width: int

    def of(self, value: int) -> int:
        """This field's unsigned value in a CSR that holds `value` (signed or unsigned)."""
        return value >> self.low & (1 << self.width) - 1


class Row(NamedTuple):
    """One CSR of the table; `group` is a key of `GROUPS`."""

    number: int
    name: str
    group: str
    fields: tuple[Field, ...]


def _field(text: str) -> Field:
    name, _, bits = text.partition(":")
    high, _, low = bits.partition("-")
    lowest = int(low or high)
    return Field(name, lowest, int(high) - lowest + 1)


def _rows(line: str, group: str) -> Iterator[Row]:
    number, name, *fields = line.split()
    family = re.fullmatch(r"(\w+?)(\d+)\.\.(\d+)(?:/(\d+))?", name)
    names = [name]
    step = 1
    if family:
        stem, first, last, by = family.groups()
        step = int(by or 1)
        names = [f"{stem}{i}" for i in range(int(first), int(last) + 1, step)]
    for index, member in enumerate(names):
        yield Row(int(number, 16) + index * step, member, group, tuple(map(_field, fields)))


CSRS: tuple[Row, ...] = tuple(
    row
    for group, lines in GROUPS.items()
    for line in lines.split("\n")
    if line.strip()
    for row in _rows(line, group)
)
NUMBER: dict[str, int] = {row.name: row.number for row in CSRS}
NAME: dict[int, str] = {row.number: row.name for row in CSRS}
FIELDS: dict[str, tuple[Field, ...]] = {row.name: row.fields for row in CSRS if row.fields}

# Table 14 of section 3.1.15. Rows 2, 6, 10, 12 and 10, 20..23 come with the H extension.
INTERRUPTS: dict[int, str] = {
    1: "Supervisor software interrupt",
    2: "Virtual supervisor software interrupt",
    3: "Machine software interrupt",
    5: "Supervisor timer interrupt",
    6: "Virtual supervisor timer interrupt",
    7: "Machine timer interrupt",
    9: "Supervisor external interrupt",
    10: "Virtual supervisor external interrupt",
    11: "Machine external interrupt",
    12: "Supervisor guest external interrupt",
    13: "Counter-overflow interrupt",
}
EXCEPTIONS: dict[int, str] = {
    0: "Instruction address misaligned",
    1: "Instruction access fault",
    2: "Illegal instruction",
    3: "Breakpoint",
    4: "Load address misaligned",
    5: "Load access fault",
    6: "Store/AMO address misaligned",
    7: "Store/AMO access fault",
    8: "Environment call from U-mode",
    9: "Environment call from S-mode",
    10: "Environment call from VS-mode",
    11: "Environment call from M-mode",
    12: "Instruction page fault",
    13: "Load page fault",
    15: "Store/AMO page fault",
    18: "Software check",
    19: "Hardware error",
    20: "Instruction guest-page fault",
    21: "Load guest-page fault",
    22: "Virtual instruction",
    23: "Store/AMO guest-page fault",
}


def cause_name(cause: int) -> str:
    """The standard name of an mcause or scause value (64 bits, signed or unsigned)."""
    code = cause & (1 << 63) - 1
    if cause >> 63 & 1:
        return INTERRUPTS.get(code, f"Reserved interrupt {code}")
    return EXCEPTIONS.get(code, f"Reserved exception {code}")


def field_values(name: str, value: int) -> dict[str, int]:
    """The fields of CSR `name` by name where it holds `value`; empty if it has none."""
    return {field.name: field.of(value) for field in FIELDS.get(name, ())}
