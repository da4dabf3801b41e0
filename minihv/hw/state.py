"""Where everything lies: the slots of a hart's state vector, and the board's address map.

A hart's whole architectural state is one int64 vector, so that a snapshot is a copy and both
engines work on the same memory. Slots 0..31 are x0..x31. Invariant: slot 0 is always 0, because
the decoder sends writes of x0 to slot SINK.
"""

SLOTS = 512
SINK = 32

# The hart (Privileged ISA 20240411, section 1.2) and its clock.
PC = 33
PRIV = 34  # 0 U, 1 S, 3 M
CLOCK = 35  # ticks: instructions retired + ticks idled; mcycle reads it, mtime is CLOCK // 10
IDLE = 36  # ticks that retired nothing; minstret reads CLOCK - IDLE
STOP = 37  # the clock at which the loop returns to the host
DEADLINE = 38  # the clock at which a timer must be looked at again
WAIT = 39  # 1 in WFI
HARTID = 40
LAST_TRAP = 41  # the clock at the last trap: a second one without progress costs a tick
TRAPS = 42  # traps taken inside the guest
STOP_ON_TRAP = 43  # 1: return to the host after each of those, too
RESERVATION = 44  # physical address that lr reserved, or -1

# Why the loop returned, and what an access to a device or a trap into the host is about.
EXIT = 45
CAUSE = 46
TVAL = 47
ACCESS_ADDRESS = 48  # physical
ACCESS_KIND = 49  # funct3 of the load or store: size is 1 << (kind & 3), 4.. zero-extends
ACCESS_VALUE = 50  # of a store
ACCESS_RD = 51  # slot that a load fills, -1 for a store
LENGTH = 52  # bytes of the instruction that did it
SKIP = 53  # the clock at which a breakpoint or watchpoint was already reported

# What the host chose when it built the machine.
HOST = 54  # modes whose traps are the host's: bit 0 M, bit 1 S
MISALIGNED = 55  # 1: misaligned loads and stores work, 0: they trap
SVADE = 56  # 1: a clear A or D bit traps, 0: hardware sets it
RAM_SIZE = 57  # bytes
TOHOST = 58  # physical address of HTIF's tohost, or -1
BREAKPOINTS = 59  # how many
WATCHPOINTS = 60
CSR_WATCHES = 61
WAITED = 68  # the part of IDLE that was spent in WFI
SILENT = 69  # > 0: U-mode's accesses to S-mode CSRs do not trap; 1 + how many there were

# Translation: what a TLB entry's tag is completed with.
DATA_CONTEXT = 62
FETCH_CONTEXT = 63
SPACES_USED = 64
SUPERPAGES = 65  # 1: the TLB holds a part of a superpage
EPOCH = 66  # shared[SHARED_EPOCH] that this hart's TLB has seen

# Timers and interrupt lines.
TIME_OFFSET = 70
MTIMECMP = 71
STIMECMP = 72
MIP_SOFT = 73  # the bits of mip that software wrote
MIP_LINE = 74  # the bits that hardware drives
CYCLE_OFFSET = 75
INSTRET_OFFSET = 76

# CSRs that are plain values.
MSTATUS = 80
MEDELEG = 81
MIDELEG = 82
MIE = 83
MTVEC = 84
MSCRATCH = 85
MEPC = 86
MCAUSE = 87
MTVAL = 88
MCOUNTEREN = 89
MENVCFG = 90
STVEC = 91
SSCRATCH = 92
SEPC = 93
SCAUSE = 94
STVAL = 95
SCOUNTEREN = 96
SENVCFG = 97
SATP = 98
ZERO = 99  # reads 0, ignores writes
MISA = 100

PMPCFG = 112  # 16 entries, a slot each
PMPADDR = 128
PMP_LOW = 144  # first physical address of each region
PMP_HIGH = 160  # first physical address behind it
BREAKPOINT = 176  # 16 virtual addresses
WATCHPOINT = 192  # 16 x (first physical address, first behind, kinds: 1 read, 2 write)
CSR_WATCH = 240  # 8 CSR numbers
SPACE = 256  # 32 values of satp whose translations the TLB may hold
TRAP_COUNT = 288  # 64: exceptions by cause, then interrupts by cause
FREG = 352  # f0..f31

# The H extension (chapter 15). Registers of VS-mode stand in the order of their S-mode models.
VIRT = 384  # V: 1 while the hart is in VS- or VU-mode
GPA = 385  # guest-physical address of a guest-page fault >> 2: what htval or mtval2 will show
TINST = 386  # and htinst or mtinst
GUEST_VA = 387  # 1: the data access that trapped had a guest-virtual address
GUEST_ACCESS = 388  # an hlv or hsv is under way: 1, or 2 for hlvx
HSTATUS = 389
HEDELEG = 390
HIDELEG = 391
HCOUNTEREN = 392
HTIMEDELTA = 393
HTVAL = 394
HTINST = 395
HENVCFG = 396
HGATP = 397
MTVAL2 = 398
MTINST = 399
VSSTATUS = 400
VSTVEC = 401
VSSCRATCH = 402
VSEPC = 403
VSCAUSE = 404
VSTVAL = 405
VSATP = 406
VSTIMECMP = 407
TLB_MISSES = 408  # translations that the TLB did not have
WALK_READS = 409  # page-table entries that the walker has read
SPACE_GUEST = 416  # 32: the guest part of SPACE's names; see mmu.space_number

# Exit reasons: what the loop returns.
EXIT_NONE = 0
EXIT_BUDGET = 1  # STOP reached
EXIT_TRAP = 2  # a trap into a mode that the host owns: CAUSE, TVAL; pc is the instruction's
EXIT_MMIO = 3  # an access outside RAM: ACCESS_*; the host completes the instruction
EXIT_TRAPPED = 4  # a trap inside the guest was taken, and STOP_ON_TRAP is set
EXIT_BREAKPOINT = 5
EXIT_WATCHPOINT = 6
EXIT_LOST = 7  # under a hypervisor that misses what the guest does: traps, and nothing between
EXIT_NAMES = ("none", "budget", "trap", "mmio", "trapped", "breakpoint", "watchpoint", "lost")

# Flags of a physical page.
PAGE_CODE = 1  # decoded instructions exist: a store must drop them
PAGE_SLOW = 2  # never cache: tohost or a watchpoint lies here
PAGE_DIRTY = 4  # written since the last snapshot
PAGE_REGION = 8  # some of its decoded instructions enter a compiled region

# Slots of the state that all harts of a machine share.
SHARED_CODE_PAGES = 0  # pages of the decode cache in use; page 0 is the scratch page
SHARED_EPOCH = 1  # raised when every hart must drop its TLB
SHARED_REGIONS = 8  # addresses of compiled regions
REGIONS = 4096
SHARED_SLOTS = SHARED_REGIONS + REGIONS

RAM_BASE = 0x80000000
TICKS_PER_TIME = 10  # a 10 MHz timebase at a nominal 100 MIPS

TLB_ENTRIES = 4096
TLB_WRITE = 2 * TLB_ENTRIES  # first slot of the write entries; reads start at 0
TLB_FETCH = 4 * TLB_ENTRIES
TLB_SLOTS = 6 * TLB_ENTRIES
CODE_STRIDE = 2056  # a code page: 2,048 halfword slots, then sentinels that are never decoded

# Exception causes (section 3.1.15, table 14).
FETCH_MISALIGNED, FETCH_ACCESS, ILLEGAL, BREAKPOINT_TRAP = 0, 1, 2, 3
LOAD_MISALIGNED, LOAD_ACCESS, STORE_MISALIGNED, STORE_ACCESS = 4, 5, 6, 7
ECALL_U = 8  # + privilege: 9 from S, 11 from M
FETCH_PAGE_FAULT, LOAD_PAGE_FAULT, STORE_PAGE_FAULT = 12, 13, 15
FETCH_GUEST_FAULT, LOAD_GUEST_FAULT, VIRTUAL_INSTRUCTION, STORE_GUEST_FAULT = 20, 21, 22, 23
ADDRESS_CAUSES = 0xB0B0FB  # those that leave an address in tval
FETCH_CAUSES = 0x10100B  # of these the ones where it is that of the instruction
INTERRUPT = -(1 << 63)  # added to the cause of an interrupt

# Kinds of access, as PMP and the walker see them: the bits of a PMP entry.
READ, WRITE, FETCH = 1, 2, 4

# Bits of mstatus.
SIE, MIE_BIT, SPIE, MPIE, SPP = 1 << 1, 1 << 3, 1 << 5, 1 << 7, 1 << 8
MPP_SHIFT = 11
MPRV, SUM, MXR, TVM, TW, TSR = 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21, 1 << 22
UXL_SXL = (2 << 32) | (2 << 34)
GVA_BIT, MPV = 1 << 38, 1 << 39
# Bits of hstatus (section 15.2.1).
HS_GVA, SPV, SPVP, HU = 1 << 6, 1 << 7, 1 << 8, 1 << 9
VTVM, VTW, VTSR = 1 << 20, 1 << 21, 1 << 22
H_BIT = 1 << 7  # of misa
STCE = -(1 << 63)  # bit 63 of menvcfg
