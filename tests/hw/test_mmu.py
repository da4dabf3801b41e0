"""Sv39, loads and stores: who may access what, what a fault reports, what the TLB may keep.

Source: Privileged ISA 20240411, sections 3.1.6.3, 10.1.1.2, 10.2.1 and 10.3 to 10.4.
"""

import pytest

from minihv.hw import state as st
from tests.hw.lab import (
    ACCESSED,
    CODE,
    DATA,
    DIRTY,
    RAM,
    SIZE,
    TABLES,
    USER,
    Lab,
    M,
    S,
    U,
    both_engines,
)

FETCH_PF, LOAD_PF, STORE_PF = 12, 13, 15
FETCH_AF, LOAD_AF, STORE_AF = 1, 5, 7
VA = 0x4000000  # some place that `paging` leaves unmapped
MEGAPAGE = 2 << 20


@pytest.fixture(params=["python", "jit"])
def lab(request):
    return Lab(request.param)


def load(lab, va=VA):
    return lab.do("ld a0, (a1)", a1=va)


def store(lab, va=VA, value=0x1122334455667788):
    return lab.do("sd a2, (a1)", a1=va, a2=value)


def fetch(lab, va=VA):
    return lab.jump(va)


# --- who may access what ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letters", "mode", "works"),
    [
        ("rad", S, "l"),
        ("rwad", S, "ls"),
        ("xad", S, "f"),
        ("rxad", S, "lf"),
        ("rwxad", S, "lsf"),
        ("rwxadu", S, ""),
        ("rwxadu", U, "lsf"),
        ("radu", U, "l"),
        ("xadu", U, "f"),
        ("rwxad", U, ""),
        ("-rwxad", S, ""),
        ("wad", S, ""),
        ("wxad", S, ""),
        ("rwxadg", S, "lsf"),
    ],
)
def test_permissions(lab, letters, mode, works):
    lab.paging(mode)
    lab.map(VA, DATA, letters)
    lab.put("nop", DATA)
    lab.write(DATA + 8, 77)
    assert load(lab) == (None if "l" in works else (LOAD_PF, VA))
    assert store(lab, VA + 8, 78) == (None if "s" in works else (STORE_PF, VA + 8))
    assert lab.read(DATA + 8) == (78 if "s" in works else 77)
    assert fetch(lab) == (None if "f" in works else (FETCH_PF, VA))


def test_sum_lets_s_read_and_write_user_pages_but_never_fetch(lab):
    """The fetch comes after a load that put the page in the TLB: QEMU 7.2 lets it pass."""
    lab.paging()
    lab.map(VA, DATA, "rwxadu")
    lab.put("nop", DATA)
    lab.set_bits("mstatus", st.SUM)
    assert load(lab) is None
    assert store(lab, VA + 8) is None
    assert fetch(lab) == (FETCH_PF, VA)
    lab.clear_bits("mstatus", st.SUM)
    assert load(lab) == (LOAD_PF, VA)
    assert store(lab, VA + 8) == (STORE_PF, VA + 8)


def test_mxr_makes_executable_pages_readable(lab):
    lab.paging()
    lab.map(VA, DATA, "xad")
    assert load(lab) == (LOAD_PF, VA)
    lab.set_bits("mstatus", st.MXR)
    assert load(lab) is None
    assert store(lab) == (STORE_PF, VA)
    lab.clear_bits("mstatus", st.MXR)
    assert load(lab) == (LOAD_PF, VA)


def test_mprv_gives_loads_and_stores_the_mode_in_mpp(lab):
    lab.paging()
    lab.priv = M
    lab.map(VA, DATA, "rwad")
    lab.map(VA + 0x1000, DATA, "rwadu")
    assert load(lab) == (LOAD_AF, VA)  # M itself: a physical address, and nothing is there
    lab.csr["mstatus"] = st.MPRV | S << st.MPP_SHIFT
    assert load(lab) is None
    lab.csr["mstatus"] = st.MPRV | S << st.MPP_SHIFT
    assert load(lab, VA + 0x1000) == (LOAD_PF, VA + 0x1000)
    lab.csr["mstatus"] = st.MPRV | U << st.MPP_SHIFT
    assert load(lab) == (LOAD_PF, VA)
    lab.csr["mstatus"] = st.MPRV | U << st.MPP_SHIFT
    assert store(lab, VA + 0x1000) is None  # the instruction itself is fetched as M does
    lab.csr["mstatus"] = st.MPRV | M << st.MPP_SHIFT
    assert load(lab) == (LOAD_AF, VA)


def test_leaving_m_mode_ends_mprv(lab):
    lab.csr["mepc"] = CODE
    lab.csr["mstatus"] = st.MPRV | M << st.MPP_SHIFT
    assert lab.do("mret") is None
    assert lab.csr["mstatus"] & st.MPRV
    lab.csr["mstatus"] = st.MPRV | S << st.MPP_SHIFT
    assert lab.do("mret") is None
    assert not lab.csr["mstatus"] & st.MPRV
    lab.csr["mstatus"] = st.MPRV
    assert lab.do("sret") is None
    assert not lab.csr["mstatus"] & st.MPRV


def test_m_mode_ignores_satp(lab):
    lab.paging()
    lab.priv = M
    assert load(lab, DATA) is None
    assert fetch(lab, CODE) is None


# --- the walk -------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [1, 2])
def test_superpages(lab, level):
    size = 1 << 12 + 9 * level
    va, pa = 0x140000000, RAM
    lab.paging()
    lab.map(va, pa, "rwad", level)
    lab.write(DATA, 5)
    assert load(lab, va + DATA - RAM) is None
    assert lab["a0"] == 5
    assert store(lab, va + SIZE - 8, 9) is None
    assert lab.read(RAM + SIZE - 8) == 9
    assert load(lab, va + SIZE) == (LOAD_AF, va + SIZE)  # mapped, but there is no RAM
    assert load(lab, va + size) == (LOAD_PF, va + size)


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("bit", [0, 8])
def test_a_misaligned_superpage_faults(lab, level, bit):
    lab.paging()
    lab.map(0x40000000, RAM + (0x1000 << bit), "rwxad", level)
    for access, cause in ((load, LOAD_PF), (store, STORE_PF), (fetch, FETCH_PF)):
        assert access(lab, 0x40000000) == (cause, 0x40000000)


@pytest.mark.parametrize("bit", range(54, 64))
@pytest.mark.parametrize("leaf", [True, False])
def test_reserved_bits_fault(lab, bit, leaf):
    """Bits 63..54: N and PBMT need Svnapot and Svpbmt, which this machine does not have."""
    lab.paging()
    lab.map(VA, DATA, "rwad")
    assert load(lab) is None
    lab.fence()
    address = lab.entry(VA, 0 if leaf else 1)
    lab.write(address, lab.read(address) | 1 << bit)
    assert load(lab) == (LOAD_PF, VA)
    assert store(lab) == (STORE_PF, VA)


@pytest.mark.parametrize("letter", ["a", "d", "u"])
def test_a_pointer_with_a_d_or_u_faults(lab, letter):
    lab.paging()
    lab.map(VA, DATA, "rwad")
    address = lab.entry(VA, 1)
    lab.write(address, lab.read(address) | {"a": ACCESSED, "d": DIRTY, "u": USER}[letter])
    assert load(lab) == (LOAD_PF, VA)


def test_a_pointer_may_be_global(lab):
    lab.paging()
    lab.map(VA, DATA, "rwad")
    address = lab.entry(VA, 1)
    lab.write(address, lab.read(address) | 1 << 5)
    assert load(lab) is None


def test_a_pointer_at_the_last_level_faults(lab):
    lab.paging()
    lab.map(VA, DATA, "")
    assert load(lab) == (LOAD_PF, VA)


@pytest.mark.parametrize(
    "va", [1 << 38, 1 << 39, 1 << 62, 1 << 63, (1 << 64) - (1 << 39), (1 << 64) - (1 << 38) - 8]
)
def test_addresses_that_are_not_sign_extended_fault(lab, va):
    lab.paging()
    lab.map(va, DATA, "rwxad")
    assert load(lab, va) == (LOAD_PF, va)
    assert store(lab, va) == (STORE_PF, va)
    assert fetch(lab, va) == (FETCH_PF, va)


@pytest.mark.parametrize("va", [0, (1 << 38) - 4096, (1 << 64) - (1 << 38), (1 << 64) - 4096])
def test_both_halves_of_the_address_space_can_be_mapped(lab, va):
    lab.paging()
    lab.map(va, DATA, "rwxad")
    lab.put("nop", DATA)
    assert load(lab, va) is None
    assert store(lab, va + 4088) is None
    assert fetch(lab, va) is None


@pytest.mark.parametrize("table", [RAM + SIZE, 0, 0x10000000, ((1 << 44) - 1) << 12])
def test_a_table_outside_ram_is_an_access_fault(lab, table):
    lab.paging()
    lab.write(lab.entry(VA, 1), table >> 12 << 10 | 1)
    assert load(lab) == (LOAD_AF, VA)
    assert store(lab) == (STORE_AF, VA)
    assert fetch(lab) == (FETCH_AF, VA)


def test_pmp_guards_the_tables(lab):
    """A walk reads PTEs as S-mode does, and writes them so to set A and D."""
    lab.paging()
    entry = lab.map(VA, DATA, "rw")
    lab.csr["pmpaddr1"] = lab.csr["pmpaddr0"]
    lab.csr["pmpaddr0"] = entry >> 12 << 10 | 0x1FF  # the page that holds it
    lab.csr["pmpcfg0"] = 0x1F << 8 | 0x19  # read only
    assert load(lab) == (LOAD_AF, VA)  # A cannot be set
    lab.write(entry, lab.read(entry) | ACCESSED)
    assert load(lab) is None
    assert store(lab) == (STORE_AF, VA)
    lab.csr["pmpcfg0"] = 0x1F << 8 | 0x18  # nothing
    assert load(lab) == (LOAD_AF, VA)


def test_ppn_beyond_ram_is_an_access_fault(lab):
    lab.paging()
    lab.map(VA, ((1 << 44) - 1) << 12, "rwxad")
    assert load(lab) == (LOAD_AF, VA)
    assert store(lab) == (STORE_AF, VA)
    assert fetch(lab) == (FETCH_AF, VA)


# --- A and D --------------------------------------------------------------------------------------


def flags(lab, entry):
    return lab.read(entry) & (ACCESSED | DIRTY)


def test_hardware_sets_a_and_d(lab):
    lab.paging()
    lab.put("nop", DATA)
    entry = lab.map(VA, DATA, "rwx")
    assert load(lab) is None
    assert flags(lab, entry) == ACCESSED
    assert store(lab, VA + 8) is None
    assert flags(lab, entry) == ACCESSED | DIRTY
    entry = lab.map(VA + 0x1000, DATA, "rwx")
    assert fetch(lab, VA + 0x1000) is None
    assert flags(lab, entry) == ACCESSED
    entry = lab.map(VA + 0x2000, DATA, "rwx")
    assert lab.do("amoadd.d a0, a0, (a1)", a1=VA + 0x2000) is None
    assert flags(lab, entry) == ACCESSED | DIRTY


def test_a_store_through_a_clean_page_that_was_read_sets_d(lab):
    """The TLB has the page for reading by then."""
    lab.paging()
    lab.memory.write(DATA, b"x")  # dirty for snapshots already: stores could go the fast way
    entry = lab.map(VA, DATA, "rwa")
    for _ in range(2):
        assert load(lab) is None
    assert flags(lab, entry) == ACCESSED
    assert store(lab) is None
    assert flags(lab, entry) == ACCESSED | DIRTY


def test_a_fault_sets_neither(lab):
    lab.paging()
    entry = lab.map(VA, DATA, "rx")
    assert store(lab) == (STORE_PF, VA)
    assert flags(lab, entry) == 0
    entry = lab.map(VA, DATA, "rwxu")
    assert load(lab) == (LOAD_PF, VA)
    assert flags(lab, entry) == 0


@both_engines
def test_svade_leaves_them_to_software(engine):
    lab = Lab(engine, svade=True).paging()
    lab.put("nop", DATA)
    entry = lab.map(VA, DATA, "rwx")
    assert load(lab) == (LOAD_PF, VA)
    assert store(lab) == (STORE_PF, VA)
    assert fetch(lab) == (FETCH_PF, VA)
    assert flags(lab, entry) == 0
    lab.map(VA, DATA, "rwxa")
    assert load(lab) is None
    assert fetch(lab) is None
    assert store(lab) == (STORE_PF, VA)
    lab.map(VA, DATA, "rwxad")
    assert store(lab) is None
    lab.map(VA, DATA, "rwxd")
    lab.fence()
    assert store(lab) == (STORE_PF, VA)


def test_superpage_a_and_d(lab):
    lab.paging()
    entry = lab.map(0x40000000, RAM, "rw", 1)
    assert load(lab, 0x40000000 + DATA - RAM) is None
    assert flags(lab, entry) == ACCESSED
    assert store(lab, 0x40000000 + DATA - RAM) is None
    assert flags(lab, entry) == ACCESSED | DIRTY


# --- the TLB --------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", [True, False])
def test_sfence_makes_new_tables_count(lab, one):
    lab.paging()
    lab.put("nop", DATA)
    entry = lab.map(VA, DATA, "rwxad")
    assert (load(lab), store(lab, VA + 8), fetch(lab)) == (None, None, None)
    lab.write(entry, 0)
    lab.fence(VA + 0x123 if one else None)
    assert load(lab) == (LOAD_PF, VA)
    assert store(lab, VA + 8) == (STORE_PF, VA + 8)
    assert fetch(lab) == (FETCH_PF, VA)


def test_sfence_by_any_address_inside_a_superpage(lab):
    """The TLB holds parts of a superpage, but the guest may name any of its addresses."""
    lab.paging()
    entry = lab.map(0x40000000, RAM, "rwad", 1)
    for page in range(DATA - RAM, DATA - RAM + 0x3000, 0x1000):
        assert store(lab, 0x40000000 + page) is None
    lab.write(entry, 0)
    lab.fence(0x40000000 + MEGAPAGE - 8)
    for page in range(DATA - RAM, DATA - RAM + 0x3000, 0x1000):
        assert store(lab, 0x40000000 + page) == (STORE_PF, 0x40000000 + page)


def test_a_revoked_permission(lab):
    lab.paging()
    entry = lab.map(VA, DATA, "rwad")
    assert store(lab) is None
    lab.map(VA, DATA, "rad")
    lab.fence(VA)
    assert store(lab) == (STORE_PF, VA)
    assert load(lab) is None
    assert lab.read(entry) & 4 == 0


def test_new_satp_new_translations(lab):
    """Each value of satp has translations of its own, and going back finds the old ones."""
    lab.paging()
    lab.map(VA, DATA, "rwad")
    lab.write(DATA, 1)
    lab.write(DATA + 0x1000, 2)
    first, other = lab.csr["satp"], TABLES + 0x40000
    lab.memory.write(other, lab.memory.read(TABLES, 4096))
    lab.write(other + (VA >> 30 & 511) * 8, 0)
    for _ in range(3):
        lab.csr["satp"] = first
        assert load(lab) is None
        assert lab["a0"] == 1
        lab.csr["satp"] = 8 << 60 | 1 << 44 | other >> 12
        assert load(lab) == (LOAD_PF, VA)
        lab.csr["satp"] = 0
        assert load(lab) == (LOAD_AF, VA)


def test_forty_address_spaces(lab):
    """More than the TLB has names for: each must see its own page."""
    lab.paging()
    lab.map(VA, DATA, "rwad")
    base = lab.csr["satp"]
    for asid in range(40):
        lab.csr["satp"] = base | asid << 44
        lab.write(lab.entry(VA), (DATA + 0x1000 * asid) >> 12 << 10 | 0xC7)
        assert store(lab, VA, asid) is None
    for asid in range(40):
        assert lab.read(DATA + 0x1000 * asid) == asid


def test_satp_ignores_a_mode_that_does_not_exist(lab):
    lab.paging()
    old = lab.csr["satp"]
    for mode in (1, 7, 9, 10, 15):
        lab.csr["satp"] = mode << 60 | 0x123
        assert lab.csr["satp"] == old
    lab.csr["satp"] = 0
    assert lab.csr["satp"] == 0


def test_the_same_page_in_two_modes(lab):
    """A TLB entry made in one mode must not serve another one."""
    lab.paging()
    lab.map(VA, DATA, "rwadu")
    for page in range(CODE, DATA, 0x1000):
        lab.map(page, page, "rxadu")
    lab.priv = U
    assert load(lab) is None
    lab.priv = S
    lab.map(CODE, CODE, "rxad")
    lab.fence()
    assert load(lab) == (LOAD_PF, VA)


# --- misaligned accesses ------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 4, 8])
def test_misaligned_inside_a_page_and_across(lab, size):
    letter = {2: "h", 4: "w", 8: "d"}[size]
    lab.paging()
    lab.map(VA, DATA, "rwad")
    lab.map(VA + 0x1000, DATA + 0x5000, "rwad")
    content = bytes(range(1, 17))
    for at in (VA + 1, VA + 0x1000 - size + 1, VA + 0x1000 - 1):
        first = min(size, max(0, VA + 0x1000 - at))
        lab.memory.write(DATA + at - VA, content[:first])
        lab.memory.write(DATA + 0x5000, content[first:size])
        assert lab.do(f"l{letter} a0, (a1)", a1=at) is None
        assert lab["a0"] == int.from_bytes(content[:size], "little")
        value = 0x8877665544332211 >> 8 * (8 - size)
        assert lab.do(f"s{letter} a2, (a1)", a1=at, a2=value) is None
        stored = lab.memory.read(DATA + at - VA, first) + lab.memory.read(DATA + 0x5000, 8)
        assert stored[:size] == value.to_bytes(size, "little")


def test_the_second_page_of_a_misaligned_access_faults(lab):
    """tval is the first byte that could not be accessed, and nothing is stored."""
    lab.paging()
    lab.map(VA, DATA, "rwad")
    lab.write(DATA + 4088, 0)
    for distance in range(1, 8):
        at = VA + 0x1000 - distance
        assert load(lab, at) == (LOAD_PF, VA + 0x1000)
        assert store(lab, at, -1) == (STORE_PF, VA + 0x1000)
        assert lab.read(DATA + 4088) == 0


def test_the_first_page_of_a_misaligned_access_faults(lab):
    lab.paging()
    lab.map(VA + 0x1000, DATA, "rwad")
    lab.write(DATA, 0)
    for distance in range(1, 8):
        at = VA + 0x1000 - distance
        assert load(lab, at) == (LOAD_PF, at)
        assert store(lab, at, -1) == (STORE_PF, at)
        assert lab.read(DATA) == 0


def test_a_misaligned_access_over_the_end_of_ram(lab):
    end = RAM + SIZE
    assert load(lab, end - 4) == (LOAD_AF, end)
    assert store(lab, end - 4, -1) == (STORE_AF, end)
    assert lab.read(end - 8) != (1 << 64) - 1
    assert load(lab, RAM - 4) == (LOAD_AF, RAM - 4)


@both_engines
def test_misaligned_accesses_trap_where_not_supported(engine):
    lab = Lab(engine, misaligned=False)
    for at in range(1, 8):
        assert load(lab, DATA + at) == (4, DATA + at)
        assert store(lab, DATA + at) == (6, DATA + at)
    assert lab.do("lw a0, (a1)", a1=DATA + 2) == (4, DATA + 2)
    assert lab.do("lw a0, (a1)", a1=DATA + 4) is None
    assert lab.do("lh a0, (a1)", a1=DATA + 2) is None
    assert lab.do("lb a0, (a1)", a1=DATA + 3) is None


@both_engines
def test_misalignment_goes_before_page_faults_where_not_supported(engine):
    """Section 3.1.15: misaligned is either of higher or of lower priority than page faults."""
    lab = Lab(engine, misaligned=False).paging()
    assert load(lab, VA + 1) == (4, VA + 1)


# --- fetching -------------------------------------------------------------------------------------


def test_an_instruction_across_two_pages(lab):
    lab.paging()
    lab.put("addi a0, a0, 5", DATA + 0xFFE)
    lab.map(VA, DATA, "xad")
    lab.map(VA + 0x1000, DATA + 0x3000, "xad")
    lab.memory.write(DATA + 0x3000, lab.memory.read(DATA + 0x1000, 2))
    lab.set(a0=1)
    assert fetch(lab, VA + 0xFFE) is None
    assert lab["a0"] == 6
    assert lab.hart.pc == VA + 0x1002


def test_the_second_half_of_an_instruction_faults(lab):
    """mepc is the instruction, mtval the half that could not be fetched."""
    lab.paging()
    lab.put("addi a0, a0, 5", DATA + 0xFFE)
    lab.map(VA, DATA, "xad")
    assert fetch(lab, VA + 0xFFE) == (FETCH_PF, VA + 0x1000)
    assert lab.csr["mepc"] == VA + 0xFFE
    lab.memory.write(DATA + 0xFFE, b"\x05\x05")  # c.addi a0, 1: has no second half
    assert fetch(lab, VA + 0xFFE) is None


def test_the_second_half_can_change_alone(lab):
    """What was decoded across two pages is not kept."""
    lab.put("addi a0, x0, 5", DATA + 0xFFE)
    assert fetch(lab, DATA + 0xFFE) is None
    assert lab["a0"] == 5
    lab.put("addi a0, x0, 6", DATA + 0xFFE)
    assert fetch(lab, DATA + 0xFFE) is None
    assert lab["a0"] == 6


def test_fetching_where_there_is_no_ram(lab):
    for va in (0, 0x10000000, 0x2000000, RAM - 4, RAM + SIZE, 1 << 56, (1 << 64) - 4):
        assert fetch(lab, va) == (FETCH_AF, va)
    lab.put("nop", RAM + SIZE - 4)
    assert fetch(lab, RAM + SIZE - 4) is None
    assert lab.step() == (FETCH_AF, RAM + SIZE)


def test_an_instruction_that_reaches_beyond_ram(lab):
    lab.memory.write(RAM + SIZE - 2, b"\x13\x05")  # the first half of addi
    assert fetch(lab, RAM + SIZE - 2) == (FETCH_AF, RAM + SIZE)


def test_execution_goes_from_page_to_page(lab):
    """Neighbours in virtual memory need not be neighbours in physical memory."""
    lab.paging()
    for k, pa in enumerate((DATA + 0x2000, DATA, DATA + 0x1000)):
        lab.map(VA + k * 0x1000, pa, "xad")
        lab.put(f"addi a0, a0, {1 << k}; addi a0, a0, {16 << k}", pa + (0xFF8 if k == 0 else 0))
        lab.put(f"j . + {0x1000 - 8}", pa + 8 if k else pa)
    lab.set(a0=0)
    assert fetch(lab, VA + 0xFF8) is None
    for _ in range(5):
        assert lab.step() is None
    assert lab["a0"] == 1 + 16 + 2 + 32 + 4
    assert lab.hart.pc == VA + 0x2004


# --- devices ------------------------------------------------------------------------------------


def test_devices_behind_page_tables(lab):
    lab.paging()
    lab.map(VA, 0x10000000, "rwad")
    assert lab.do("sb a2, (a1)", a1=VA, a2=ord("x")) is None
    assert lab.machine.console.output == b"x"
    assert lab.do("lbu a0, 5(a1)", a1=VA) is None
    assert lab["a0"] == 0x60
    assert lab.do("lw a0, 2(a1)", a1=VA) == (LOAD_AF, VA + 2)  # misaligned
    lab.map(VA + 0x1000, 0x50000000, "rwad")
    assert load(lab, VA + 0x1000) == (LOAD_AF, VA + 0x1000)
    assert store(lab, VA + 0x1000) == (STORE_AF, VA + 0x1000)


def test_no_atomics_on_devices(lab):
    assert lab.do("amoadd.w a0, a2, (a1)", a1=0x2000000) == (STORE_AF, 0x2000000)
    assert lab.do("lr.w a0, (a1)", a1=0x2000000) == (LOAD_AF, 0x2000000)
    assert lab.do("sc.w a0, a2, (a1)", a1=0x2000000) == (STORE_AF, 0x2000000)
