"""The rest of a hart's state vector, what else the harts share, and the board's address map.

The registers come first in the vector (see `registers`; the machine's source gets their names from
here, too). What follows are the run loop's working values, and what the host asks of the loop.
"""

from minihv.hw.causes import *
from minihv.hw.registers import *

SLOTS = 608

# Why the loop returned, and what an access to a device or a trap into the host is about.
EXIT = 400
CAUSE = 401
TVAL = 402
ACCESS_ADDRESS = 403  # physical
ACCESS_KIND = 404  # funct3 of the load or store: size is 1 << (kind & 3), 4.. zero-extends
ACCESS_VALUE = 405  # of a store
ACCESS_RD = 406  # slot that a load fills, -1 for a store
LENGTH = 407  # bytes of the instruction that did it
SKIP = 408  # the clock at which a breakpoint or watchpoint was already reported

# What the host chose when it built the machine.
HOST = 410  # modes whose traps are the host's: bit 0 M, bit 1 S
RAM_SIZE = 411  # bytes
TOHOST = 412  # physical address of HTIF's tohost, or -1
BREAKPOINTS = 413  # how many
WATCHPOINTS = 414
CSR_WATCHES = 415
SILENT = 416  # > 0: U-mode's accesses to S-mode CSRs do not trap; 1 + how many there were
WAITED = 417  # the part of IDLE that was spent in WFI

# Translation: what a TLB entry's tag is completed with (`tlb`).
DATA_CONTEXT = 420
FETCH_CONTEXT = 421
SPACES_USED = 422
SUPERPAGES = 423  # 1: the TLB holds a part of a superpage
EPOCH = 424  # shared[SHARED_EPOCH] that this hart's TLB has seen
TLB_MISSES = 425  # translations that the TLB did not have
WALK_READS = 426  # page-table entries that the walker has read
WALK_PLACE = 427  # 3: where it last read one, by level, in doublewords of RAM

# The H extension: the mode, and what a trap leaves for htval and its like.
VIRT = 430  # V: 1 while the hart is in VS- or VU-mode
GPA = 431  # guest-physical address of a guest-page fault >> 2: what htval or mtval2 will show
TINST = 432  # and htinst or mtinst
GUEST_VA = 433  # 1: the data access that trapped had a guest-virtual address
GUEST_ACCESS = 434  # an hlv or hsv is under way: 1, or 2 for hlvx

# A virtual CPU's (`vmm.worldswitch`).
ENTERED = 435  # 4: satp, privilege, status bits and the hart's satp when it was entered last

PMP_LOW = 440  # 16: first physical address of each region
PMP_HIGH = 456  # 16: first physical address after it
BREAKPOINT = 472  # 16 virtual addresses
WATCHPOINT = 488  # 16 x (first physical address, first after it, kinds: 1 read, 2 write)
CSR_WATCH = 536  # 8 CSR numbers
SPACE = 544  # 32 values of satp whose translations the TLB may hold
SPACE_GUEST = 576  # 32: the guest part of their names; see tlb.space_number

# Exit reasons: what the loop returns.
EXIT_NONE = 0
EXIT_BUDGET = 1  # STOP reached
EXIT_TRAP = 2  # a trap into a mode that the host owns: CAUSE, TVAL; pc is the instruction's
EXIT_MMIO = 3  # an access outside RAM: ACCESS_*; the host completes the instruction
EXIT_TRAPPED = 4  # a trap inside the guest was taken, and STOP_ON_TRAP is set
EXIT_BREAKPOINT = 5
EXIT_WATCHPOINT = 6
EXIT_LOST = 7  # under a hypervisor that misses what the guest does: traps, and nothing between
EXIT_HOT = 8  # the code at pc is worth translating (`regions`)
EXIT_NAMES = (
    "none", "budget", "trap", "mmio", "trapped", "breakpoint", "watchpoint", "lost", "hot"
)  # fmt: skip

# Flags of a physical page.
PAGE_CODE = 1  # decoded instructions exist: a store must drop them
PAGE_SLOW = 2  # never cache: tohost or a watchpoint is here
PAGE_DIRTY = 4  # written since the last snapshot
PAGE_REGION = 8  # some of its decoded instructions enter a compiled region

# Slots of the state that all harts of a machine share.
SHARED_CODE_PAGES = 0  # pages of the decode cache in use; page 0 is the scratch page
SHARED_EPOCH = 1  # raised when every hart must drop its TLB
SHARED_HOT = 2  # looks that must find a page's code untranslated before it is hot; 0: it never is
SHARED_SOON = 3  # ticks between two such looks, and at most between looks that find no such code
SHARED_LATE = 4
SHARED_CODE = 5  # addresses of the arrays `code` and `code_of`,
SHARED_CODE_OF = 6
SHARED_ARENA = 14  # of all code of regions,
SHARED_ENTER = 7  # of the code through which regions are entered, and of what hot loops call: the
SHARED_NEXT = 8  # way on to another region, and
SHARED_BESIDE = 9  # 4: stores of 1, 2, 4 and 8 bytes to pages that hold code
SHARED_HOTTER = 13  # looks that must find a block of a region before it is hotter still
SHARED_HEAT = 15  # looks so far, by the low bits of the page's number
HEATS = 1024
SHARED_BLOCK_HEAT = SHARED_HEAT + HEATS  # the same for blocks, by the low bits of their place
SHARED_SLOTS = SHARED_BLOCK_HEAT + HEATS

RAM_BASE = 0x80000000
TICKS_PER_TIME = 10  # a 10 MHz timebase at a nominal 100 MIPS

TLB_ENTRIES = 4096
TLB_WRITE = 2 * TLB_ENTRIES  # first slot of the write entries; reads start at 0
TLB_FETCH = 4 * TLB_ENTRIES
TLB_BESIDE = 6 * TLB_ENTRIES  # stores to pages that hold code, too
TLB_SLOTS = 8 * TLB_ENTRIES
# What follows in the same array is no state of the machine either: when the run loop looks next
# whether the code at pc is hot (a clock), and how many ticks later again; 0: it never looks, and
# never enters a region.
LOOK, LOOK_EVERY = TLB_SLOTS, TLB_SLOTS + 1
CODE_STRIDE = 2056  # a code page: 2,048 halfword slots, then sentinels that are never decoded

# Kinds of access, as PMP and the walker see them: the bits of a PMP entry.
READ, WRITE, FETCH = 1, 2, 4
