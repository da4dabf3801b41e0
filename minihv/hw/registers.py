"""Every register, once: a line says what it is called, where it is, and whose it is.

A hart's whole architectural state is one int64 vector. A register's place in it, its slot, follows
from whose it is when several worlds (a hypervisor and its guests) share the hart, so that a world
switch copies whole regions:

    region       what is there                guest in U-mode    guest in VS- and VU-mode
    USER         x0..x31, pc, clock           there and back     there and back
    KERNEL       privilege, scounteren ...    stays              there and back
    TWIN         stvec, sepc ...              stays              to the VS copy and back
    VS_COPY      vstvec, vsepc ...
    VIRTUAL      mstatus, satp, mie ...       stays: the virtual CPU's, for a hypervisor to emulate
    HOST         hstatus, hgatp ...           stays: the hypervisor's own

A line calls one of `hidden`, `csr`, `twin`, `view`, `zero`, `unknown`; it registers the row and
returns the slot. A CSR's number says who may touch it (section 2.1): bits 11:10 are 3 if it is
read-only, bits 9:8 are the lowest mode (0 U, 1 S, 2 HS, 3 M). From that mode follows the region,
too: only exceptions are stated. All else is derived from the rows: `csr`'s access rules, names and
fields in the assembler and the debugger, reset, and the world switch (`vmm.worldswitch`).

Source: Privileged ISA 20240411, section 2.2 (listing), chapters 3 (machine level), 10 (supervisor
level) and 15 (H); Sstc, Sscofpmf, Smepmp.
"""

from __future__ import annotations

import re
from array import array
from enum import Enum
from typing import Any, NamedTuple

from minihv.hw.causes import *
from minihv.hw.extensions import misa_bit

ALL = -1  # as `writable`: every bit
NEVER = (1 << 63) - 1  # as a clock
ABSENT = -1  # as a slot: this machine has no such CSR; below that, csr.py has code for it
TO_VS = 0x100  # from an S-mode CSR's number to that of its VS copy


class Whose(Enum):
    """A region of the state vector: its first slot, and how many slots it has."""

    USER = 0, 80
    KERNEL = 80, 112
    TWIN = 192, 32
    VS_COPY = 224, 32
    VIRTUAL = 256, 96
    HOST = 352, 48  # what follows is not a register: see `state`


_BY_LEVEL = Whose.USER, Whose.KERNEL, Whose.HOST, Whose.VIRTUAL
_used = dict.fromkeys(Whose, 0)


class Field(NamedTuple):
    """`width` bits of a CSR from bit `low` up, under the manual's name."""

    name: str
    low: int
    width: int

    def of(self, value: int) -> int:
        """Return this field's unsigned value in a CSR that holds `value` (signed or unsigned)."""
        return value >> self.low & (1 << self.width) - 1


class Row(NamedTuple):
    """One register.

    `slot` is its place in the state vector, ABSENT, or a number below that if csr.py computes it.
    `number` is the CSR's, -1 if it is none. `writable`: the bits that a write may change. special:
    csr.py has code for writing it. `extension`: what a machine must have; "" for nothing.
    """

    name: str
    slot: int
    number: int
    writable: int
    fields: tuple[Field, ...]
    extension: str
    special: bool


ROWS: list[Row] = []
RESET: dict[int, int] = {}  # values after reset (section 3.4) by slot, if not 0


def _field(text: str) -> Field:
    name, _, bits = text.partition(":")
    high, _, low = bits.partition("-")
    lowest = int(low or high)
    return Field(name, lowest, int(high) - lowest + 1)


def _members(name: str) -> list[str]:
    """Return what a name stands for: "pmpaddr0..15" for 16 consecutive registers."""
    family = re.fullmatch(r"(\w+?)(\d+)\.\.(\d+)", name)
    if not family:
        return [name]
    stem, first, last = family.groups()
    return [f"{stem}{k}" for k in range(int(first), int(last) + 1)]


def _take(whose: Whose, count: int, reset: int) -> int:
    """Return the first of `count` free slots of a region."""
    first, size = whose.value
    slot = first + _used[whose]
    _used[whose] += count
    if _used[whose] > size:
        raise ValueError(f"the region {whose.name} of the state vector is full: make it larger")
    if reset:
        RESET.update(dict.fromkeys(range(slot, slot + count), reset))
    return slot


def hidden(whose: Whose, name: str, reset: int = 0) -> int:
    """Register state that no CSR shows, or a family ("x0..31"); return its first slot."""
    members = _members(name)
    slot = _take(whose, len(members), reset)
    ROWS.extend(Row(member, slot + i, -1, ALL, (), "", False) for i, member in enumerate(members))
    return slot


def csr(
    number: int, name: str, writable: int = ALL, fields: str = "", *, whose: Whose | None = None,
    slot: int | None = None, reset: int = 0, extension: str = "", special: bool = False,
) -> int:  # fmt: skip
    """Register a CSR with a slot of its own, or with one that is given; return the slot."""
    level = number >> 8 & 3
    members = _members(name)
    if slot is None:
        slot = _take(whose or _BY_LEVEL[level], len(members), reset)
    made = tuple(map(_field, fields.split()))
    for i, member in enumerate(members):
        at = slot + i if slot > 0 else slot
        needs = "H" if level == 2 else extension
        ROWS.append(Row(member, at, number + i, writable, made, needs, special))
    return slot


def twin(
    number: int, name: str, writable: int = ALL, fields: str = "", by_hand: bool = False,
    **more: Any,
) -> tuple[int, int]:  # fmt: skip
    """Register an S-mode CSR and its VS copy, which a guest reaches by the same number; both slots.

    by_hand: the world switch has to do more than copy it.
    """
    own, copy = (Whose.VIRTUAL, Whose.HOST) if by_hand else (Whose.TWIN, Whose.VS_COPY)
    return (
        csr(number, name, writable, fields, whose=own, **more),
        csr(number + TO_VS, "v" + name, writable, fields, whose=copy, **more),
    )


def view(number: int, name: str, writable: int = 0, fields: str = "") -> int:
    """Register a CSR that csr.py makes of other registers; return a number that stands for it."""
    return csr(number, name, writable, fields, slot=ABSENT - 1 - len(ROWS), special=True)


def zero(number: int, name: str, fields: str = "") -> None:
    """Register CSRs that read 0 here, as x0 does, and ignore writes."""
    csr(number, name, 0, fields, slot=X)


def unknown(number: int, name: str, fields: str = "", extension: str = "") -> None:
    """Register CSRs that this machine lacks, for the assembler and for people."""
    csr(number, name, 0, fields, slot=ABSENT, extension=extension)


# --- what U-mode touches directly -----------------------------------------------------------------
# Slot 0, x0, is always 0: the decoder sends writes of x0 to SINK. An f register would come here.

X = hidden(Whose.USER, "x0..31")
SINK = hidden(Whose.USER, "sink")
PC = hidden(Whose.USER, "pc")
CLOCK = hidden(Whose.USER, "clock")  # ticks: instructions retired + ticks idled; mcycle shows it

CYCLE = view(0xC00, "cycle")
TIME = view(0xC01, "time")
INSTRET = view(0xC02, "instret")
zero(0xC03, "hpmcounter3..31")

# --- what belongs to whoever runs on the hart, its kernel included --------------------------------

PRIV = hidden(Whose.KERNEL, "priv")  # 0 U, 1 S, 3 M
IDLE = hidden(Whose.KERNEL, "idle")  # ticks that retired nothing; minstret shows CLOCK - IDLE
STOP = hidden(Whose.KERNEL, "stop")  # the clock at which the loop returns to the host
DEADLINE = hidden(Whose.KERNEL, "deadline", reset=NEVER)  # when to look at the timers again
WAIT = hidden(Whose.KERNEL, "wait")  # 1 in WFI, 2 suspended by SBI (hart.SLEEPS)
HARTID = hidden(Whose.KERNEL, "hartid")
# The clock at the last trap: a second one without progress costs a tick.
LAST_TRAP = hidden(Whose.KERNEL, "last_trap", reset=-1)
TRAPS = hidden(Whose.KERNEL, "traps")  # taken inside the guest
STOP_ON_TRAP = hidden(Whose.KERNEL, "stop_on_trap")  # 1: return to the host after each of those
RESERVATION = hidden(Whose.KERNEL, "reservation", reset=-1)  # pa that lr reserved; -1: none
MISALIGNED = hidden(Whose.KERNEL, "misaligned", reset=1)  # 1: such accesses work, 0: they trap
SVADE = hidden(Whose.KERNEL, "svade")  # 1: a clear A or D bit traps, 0: as menvcfg.ADUE says
CYCLE_OFFSET = hidden(Whose.KERNEL, "cycle_offset")
INSTRET_OFFSET = hidden(Whose.KERNEL, "instret_offset")
TRAP_COUNT = hidden(Whose.KERNEL, "trap_count0..63")  # exceptions by cause, then interrupts

# --- supervisor level -----------------------------------------------------------------------------

# Bits of mstatus, of which sstatus is a part.
SIE, MIE_BIT, SPIE, MPIE, SPP = 1 << 1, 1 << 3, 1 << 5, 1 << 7, 1 << 8
MPP_SHIFT = 11
MPRV, SUM, MXR, TVM, TW, TSR = 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21, 1 << 22
UXL = 2 << 32  # U-mode has 64 bits
UXL_SXL = UXL | 2 << 34
GVA_BIT, MPV = 1 << 38, 1 << 39
SSTATUS_WRITABLE = SIE | SPIE | SPP | SUM | MXR
MSTATUS_WRITABLE = SSTATUS_WRITABLE | MIE_BIT | MPIE | 3 << MPP_SHIFT | MPRV | TVM | TW | TSR
STCE, ADUE = -(1 << 63), 1 << 61  # bits of menvcfg and henvcfg (Sstc, Svadu)
COUNTERS = 7  # cycle, time, instret

_SSTATUS = "SD:63 UXL:33-32 MXR:19 SUM:18 XS:16-15 FS:14-13 VS:10-9 SPP:8 UBE:6 SPIE:5 SIE:1"
_SIE = "LCOFIE:13 SEIE:9 STIE:5 SSIE:1"
_SIP = "LCOFIP:13 SEIP:9 STIP:5 SSIP:1"
_CAUSE = "Interrupt:63 Code:62-0"
_TVEC = "BASE:63-2 MODE:1-0"
_SATP = "MODE:63-60 ASID:59-44 PPN:43-0"
_COUNTERS = "HPM:31-3 IR:2 TM:1 CY:0"
_ENVCFG = "CBZE:7 CBCFE:6 CBIE:5-4 FIOM:0"

SSTATUS = view(0x100, "sstatus", SSTATUS_WRITABLE, _SSTATUS)
VSSTATUS = csr(0x200, "vsstatus", SSTATUS_WRITABLE, _SSTATUS, reset=UXL, special=True)
SIE_CSR = view(0x104, "sie", SUPERVISOR_INTERRUPTS, _SIE)
VSIE = view(0x204, "vsie", SUPERVISOR_INTERRUPTS, _SIE)
STVEC, VSTVEC = twin(0x105, "stvec", ALL, _TVEC, special=True)
SCOUNTEREN = csr(0x106, "scounteren", COUNTERS, _COUNTERS)
SENVCFG = csr(0x10A, "senvcfg", 1, _ENVCFG)
SSCRATCH, VSSCRATCH = twin(0x140, "sscratch")
SEPC, VSEPC = twin(0x141, "sepc", ~1)
SCAUSE, VSCAUSE = twin(0x142, "scause", ALL, _CAUSE)
STVAL, VSTVAL = twin(0x143, "stval")
SIP = view(0x144, "sip", 1 << SSI, _SIP)
VSIP = view(0x244, "vsip", 1 << SSI, _SIP)
STIMECMP, VSTIMECMP = twin(0x14D, "stimecmp", reset=-1, extension="Sstc", special=True)
SATP, VSATP = twin(0x180, "satp", ALL, _SATP, by_hand=True, special=True)
unknown(0xDA0, "scountovf", "OF:31-3", "Sscofpmf")

# --- machine level --------------------------------------------------------------------------------

MSTATUS = csr(
    0x300, "mstatus", MSTATUS_WRITABLE,
    "SD:63 MPV:39 GVA:38 MBE:37 SBE:36 SXL:35-34 UXL:33-32 TSR:22 TW:21 TVM:20 MXR:19 SUM:18 "
    "MPRV:17 XS:16-15 FS:14-13 MPP:12-11 VS:10-9 SPP:8 MPIE:7 UBE:6 SPIE:5 MIE:3 SIE:1",
    reset=UXL_SXL, special=True,
)  # fmt: skip
MISA = csr(0x301, "misa", 0, "MXL:63-62 Extensions:25-0")
MEDELEG = csr(0x302, "medeleg", DELEGABLE, special=True)
MIDELEG = csr(0x303, "mideleg", SUPERVISOR_INTERRUPTS, special=True)
MIE = csr(
    0x304, "mie", ALL_INTERRUPTS,
    "LCOFIE:13 SGEIE:12 MEIE:11 VSEIE:10 SEIE:9 MTIE:7 VSTIE:6 STIE:5 MSIE:3 VSSIE:2 SSIE:1",
    special=True,
)  # fmt: skip
MTVEC = csr(0x305, "mtvec", ALL, _TVEC, special=True)
MCOUNTEREN = csr(0x306, "mcounteren", COUNTERS, _COUNTERS)
_MENVCFG = f"STCE:63 PBMTE:62 ADUE:61 CDE:60 {_ENVCFG}"
MENVCFG = csr(0x30A, "menvcfg", STCE | ADUE | 1, _MENVCFG, reset=ADUE, special=True)
zero(0x320, "mcountinhibit", "HPM:31-3 IR:2 CY:0")  # the counters never stop
zero(0x323, "mhpmevent3..31", "OF:63 MINH:62 SINH:61 UINH:60 VSINH:59 VUINH:58")
MSCRATCH = csr(0x340, "mscratch")
MEPC = csr(0x341, "mepc", ~1)
MCAUSE = csr(0x342, "mcause", ALL, _CAUSE)
MTVAL = csr(0x343, "mtval")
MIP = view(
    0x344, "mip", SUPERVISOR_INTERRUPTS,
    "LCOFIP:13 SGEIP:12 MEIP:11 VSEIP:10 SEIP:9 MTIP:7 VSTIP:6 STIP:5 MSIP:3 VSSIP:2 SSIP:1",
)  # fmt: skip
MIP_SOFT = hidden(Whose.VIRTUAL, "mip_soft")  # the bits of mip that software wrote
MIP_LINE = hidden(Whose.VIRTUAL, "mip_line")  # the bits that hardware drives
PMPCFG = hidden(Whose.VIRTUAL, "pmp_config0..15")  # a slot per entry
PMPCFG0 = view(0x3A0, "pmpcfg0", ALL)
PMPCFG2 = view(0x3A2, "pmpcfg2", ALL)
PMPADDR = csr(0x3B0, "pmpaddr0..15", ALL, special=True)
unknown(0x747, "mseccfg", "SSEED:9 USEED:8 RLB:2 MMWP:1 MML:0", "Smepmp")
MCYCLE = view(0xB00, "mcycle", ALL)
MINSTRET = view(0xB02, "minstret", ALL)
zero(0xB03, "mhpmcounter3..31")
zero(0xF11, "mvendorid", "Bank:31-7 Offset:6-0")
zero(0xF12, "marchid")
zero(0xF13, "mimpid")
csr(0xF14, "mhartid", 0, slot=HARTID)
zero(0xF15, "mconfigptr")
TIME_OFFSET = hidden(Whose.VIRTUAL, "time_offset")  # mtime is CLOCK // 10 and this
MTIMECMP = hidden(Whose.VIRTUAL, "mtimecmp", reset=-1)  # the CLINT's comparator

# --- debugging ------------------------------------------------------------------------------------

unknown(0x5A8, "scontext")
zero(0x7A0, "tselect")  # no triggers
zero(0x7A1, "tdata1..3", "Type:63-60 Dmode:59 Data:58-0")
zero(0x7A4, "tinfo")
unknown(0x7A5, "tcontrol", "MPTE:7 MTE:3")
unknown(0x7A8, "mcontext")
unknown(0x7B0, "dcsr")
unknown(0x7B1, "dpc")
unknown(0x7B2, "dscratch0..1")

# --- floating point -------------------------------------------------------------------------------

unknown(0x001, "fflags", "NV:4 DZ:3 OF:2 UF:1 NX:0", "F")
unknown(0x002, "frm", "FRM:2-0", "F")
unknown(0x003, "fcsr", "FRM:7-5 NV:4 DZ:3 OF:2 UF:1 NX:0", "F")

# --- the hypervisor's own -------------------------------------------------------------------------

H_BIT = misa_bit("H")
# Bits of hstatus (section 15.2.1).
HS_GVA, SPV, SPVP, HU = 1 << 6, 1 << 7, 1 << 8, 1 << 9
VTVM, VTW, VTSR = 1 << 20, 1 << 21, 1 << 22

MTINST = csr(0x34A, "mtinst", whose=Whose.HOST, extension="H")
MTVAL2 = csr(0x34B, "mtval2", whose=Whose.HOST, extension="H")
HSTATUS = csr(
    0x600, "hstatus", VTSR | VTW | VTVM | HU | SPVP | SPV | HS_GVA,
    "VSXL:33-32 VTSR:22 VTW:21 VTVM:20 VGEIN:17-12 HU:9 SPVP:8 SPV:7 GVA:6 VSBE:5", reset=UXL,
)  # fmt: skip
HEDELEG = csr(0x602, "hedeleg", GUEST_DELEGABLE)
HIDELEG = csr(0x603, "hideleg", GUEST_INTERRUPTS)
HIE = view(0x604, "hie", GUEST_INTERRUPTS, "SGEIE:12 VSEIE:10 VSTIE:6 VSSIE:2")
HTIMEDELTA = csr(0x605, "htimedelta", special=True)
HCOUNTEREN = csr(0x606, "hcounteren", COUNTERS, _COUNTERS)
zero(0x607, "hgeie")  # no guest external interrupts of their own: GEILEN is 0
HENVCFG = csr(
    0x60A, "henvcfg", STCE | ADUE | 1, f"STCE:63 PBMTE:62 ADUE:61 {_ENVCFG}",
    reset=ADUE, special=True,
)  # fmt: skip
HTVAL = csr(0x643, "htval")
HIP = view(0x644, "hip", 1 << VSSI, "SGEIP:12 VSEIP:10 VSTIP:6 VSSIP:2")
HVIP = view(0x645, "hvip", GUEST_INTERRUPTS, "VSEIP:10 VSTIP:6 VSSIP:2")
HTINST = csr(0x64A, "htinst")
HGATP = csr(0x680, "hgatp", ALL, "MODE:63-60 VMID:57-44 PPN:43-0", special=True)
unknown(0x6A8, "hcontext")
zero(0xE12, "hgeip")

# --- derived from the rows ------------------------------------------------------------------------

NUMBER: dict[str, int] = {row.name: row.number for row in ROWS if row.number >= 0}
NAME: dict[int, str] = {number: name for name, number in NUMBER.items()}
FIELDS: dict[str, tuple[Field, ...]] = {row.name: row.fields for row in ROWS if row.fields}


def region(whose: Whose) -> slice:
    """Return where the registers of a region are in the state vector."""
    first, _ = whose.value
    return slice(first, first + _used[whose])


# The same for the machine's source, by CSR number: where it is, what a write may change, the bit of
# misa that it needs, and 1 if csr.py has code for writing it.
CSR_SLOT = memoryview(array("q", [ABSENT]) * 4096)
CSR_MASK, CSR_NEEDS, CSR_SPECIAL = (memoryview(array("q", [0]) * 4096) for _ in range(3))
TABLES = {"CSR_SLOT": CSR_SLOT, "CSR_MASK": CSR_MASK, "CSR_NEEDS": CSR_NEEDS,
          "CSR_SPECIAL": CSR_SPECIAL}  # fmt: skip
for _row in ROWS:
    if _row.number >= 0:
        CSR_SLOT[_row.number], CSR_MASK[_row.number] = _row.slot, _row.writable
        CSR_NEEDS[_row.number], CSR_SPECIAL[_row.number] = misa_bit(_row.extension), _row.special
