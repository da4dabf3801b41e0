"""Physical memory protection: address modes, priorities, locks, and pages that a region splits.

Source: Privileged ISA 20240411, section 3.7.
"""

import pytest

from minihv.hw import state as st
from tests.hw.lab import DATA, RAM, SIZE, TABLES, Lab, M, S, U, both_engines

LOAD_AF, STORE_AF, FETCH_AF = 5, 7, 1
OFF, TOR, NA4, NAPOT = 0, 1 << 3, 2 << 3, 3 << 3
R, W, X, L = 1, 2, 4, 0x80
ALL = (1 << 54) - 1


@pytest.fixture(params=["python", "jit"])
def lab(request):
    """S-mode, with entry 15 open for all else, so that an entry below can take away."""
    lab = Lab(request.param)
    lab.csr["pmpaddr15"] = ALL
    lab.csr["pmpcfg2"] = (NAPOT | R | W | X) << 56
    lab.csr["pmpcfg0"] = 0
    lab.priv = S
    return lab


def napot(base: int, size: int) -> int:
    return base >> 2 | (size >> 3) - 1


def entries(lab, *rows):
    """Set entries 0, 1, ...: (address register, configuration)."""
    for k, (address, _) in enumerate(rows):
        lab.csr[f"pmpaddr{k}"] = address
    lab.csr["pmpcfg0"] = sum(config << 8 * k for k, (_, config) in enumerate(rows))


def load(lab, address, letter="d"):
    return lab.do(f"l{letter} a0, (a1)", a1=address)


def store(lab, address, letter="d"):
    return lab.do(f"s{letter} a0, (a1)", a1=address)


def refused(lab, start, end, step=4, letter="w"):
    """The addresses in start .. end - 1 where a load faults."""
    return [a for a in range(start, end, step) if load(lab, a, letter) is not None]


# --- address modes ------------------------------------------------------------------------------


def test_na4_is_four_bytes(lab):
    entries(lab, (DATA + 8 >> 2, NA4))
    assert refused(lab, DATA, DATA + 32) == [DATA + 8]
    assert refused(lab, DATA, DATA + 32, 1, "b") == list(range(DATA + 8, DATA + 12))


@pytest.mark.parametrize("size", [8, 16, 32, 256])
def test_napot(lab, size):
    entries(lab, (napot(DATA + 512, size), NAPOT))
    assert refused(lab, DATA, DATA + 1024) == list(range(DATA + 512, DATA + 512 + size, 4))


@pytest.mark.parametrize("size", [4096, 8192, 1 << 16])
def test_napot_of_whole_pages(lab, size):
    base = RAM + 0x40000
    entries(lab, (napot(base, size), NAPOT))
    assert load(lab, base - 8) is None
    assert load(lab, base) == (LOAD_AF, base)
    assert load(lab, base + size - 8) == (LOAD_AF, base + size - 8)
    assert load(lab, base + size) is None


def test_tor_reaches_from_the_entry_below(lab):
    entries(lab, (DATA + 16 >> 2, OFF), (DATA + 28 >> 2, TOR))
    assert refused(lab, DATA, DATA + 64) == list(range(DATA + 16, DATA + 28, 4))


def test_tor_of_the_first_entry_starts_at_zero(lab):
    lab.priv = M  # the code lies above, too
    entries(lab, (DATA + 16 >> 2, TOR | L | X))
    assert refused(lab, DATA, DATA + 32) == list(range(DATA, DATA + 16, 4))
    assert load(lab, DATA + 12) == (LOAD_AF, DATA + 12)


@pytest.mark.parametrize("below", [0, 4, 8, 0x1000])
def test_a_tor_entry_that_ends_before_it_starts_matches_nothing(lab, below):
    """Not even an access that lies about its bounds."""
    entries(lab, (DATA + 20 >> 2, OFF), (DATA + 20 - below >> 2, TOR))
    assert refused(lab, DATA, DATA + 64, 8, "d") == []
    assert store(lab, DATA + 16) is None


def test_the_largest_napot_region_is_everything(lab):
    lab.csr["pmpcfg2"] = 0
    entries(lab, (ALL, NAPOT | R | W | X))
    assert load(lab, DATA) is None
    assert lab.csr["pmpaddr0"] == ALL


# --- permissions --------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [0, R, X, R | W, R | X, R | W | X])
@pytest.mark.parametrize("mode", [S, U])
def test_permissions(lab, config, mode):
    lab.priv = mode
    lab.put("nop", DATA)
    entries(lab, (napot(DATA, 4096), NAPOT | config))
    assert load(lab, DATA + 8) == (None if config & R else (LOAD_AF, DATA + 8))
    assert store(lab, DATA + 8) == (None if config & W else (STORE_AF, DATA + 8))
    assert lab.jump(DATA) == (None if config & X else (FETCH_AF, DATA))


def test_amo_needs_write_lr_needs_read(lab):
    entries(lab, (napot(DATA, 8), NAPOT | R))
    assert lab.do("lr.d a0, (a1)", a1=DATA) is None
    assert lab.do("sc.d a0, a2, (a1)", a1=DATA) == (STORE_AF, DATA)
    assert lab.do("amoor.d a0, a2, (a1)", a1=DATA) == (STORE_AF, DATA)


def test_the_lowest_entry_decides(lab):
    entries(lab, (napot(DATA, 16), NAPOT | R), (napot(DATA, 4096), NAPOT))
    assert load(lab, DATA + 8) is None
    assert load(lab, DATA + 16) == (LOAD_AF, DATA + 16)
    entries(lab, (napot(DATA, 4096), NAPOT), (napot(DATA, 16), NAPOT | R))
    assert load(lab, DATA + 8) == (LOAD_AF, DATA + 8)


def test_an_access_that_an_entry_covers_in_part_fails(lab):
    """Whatever the permissions, and for M-mode, too."""
    entries(lab, (DATA + 8 >> 2, NA4 | R | W | X))
    for mode in (S, M):
        lab.priv = mode
        assert load(lab, DATA + 8) == (LOAD_AF, DATA + 8)
        assert load(lab, DATA + 4) == (LOAD_AF, DATA + 4)  # misaligned, ends inside
        assert load(lab, DATA + 8, "w") is None
        assert load(lab, DATA + 16) is None


def test_no_match_refuses_all_but_m_mode(lab):
    lab.put("nop", DATA)
    for number in range(16):
        lab.csr[f"pmpaddr{number}"] = 0
    lab.csr["pmpcfg2"] = 0
    assert load(lab, DATA) == (FETCH_AF, RAM)
    lab.priv = M
    assert load(lab, DATA) is None
    lab.csr["mstatus"] = st.MPRV | S << st.MPP_SHIFT
    assert load(lab, DATA) == (LOAD_AF, DATA)


def test_mprv_checks_as_the_mode_in_mpp(lab):
    entries(lab, (napot(DATA, 4096), NAPOT | R))
    lab.priv = M
    assert store(lab, DATA) is None
    lab.csr["mstatus"] = st.MPRV | S << st.MPP_SHIFT
    assert store(lab, DATA) == (STORE_AF, DATA)
    lab.csr["mstatus"] = st.MPRV | M << st.MPP_SHIFT
    assert store(lab, DATA) is None


# --- locks --------------------------------------------------------------------------------------


def test_a_locked_entry_binds_m_mode(lab):
    lab.priv = M
    lab.put("nop", DATA)
    entries(lab, (napot(DATA, 4096), NAPOT | R))
    assert store(lab, DATA + 8) is None
    entries(lab, (napot(DATA, 4096), NAPOT | R | L))
    assert store(lab, DATA + 8) == (STORE_AF, DATA + 8)
    assert lab.jump(DATA) == (FETCH_AF, DATA)
    assert load(lab, DATA + 8) is None


def test_a_locked_entry_stays(lab):
    config = NAPOT | R | L
    entries(lab, (napot(DATA, 4096), config), (napot(DATA, 8192), NAPOT | R))
    lab.csr["pmpcfg0"] = (NAPOT | R | W | X) << 8 | (NAPOT | R | W | X)
    lab.csr["pmpaddr0"] = 0
    lab.csr["pmpaddr1"] = 5
    assert lab.csr["pmpcfg0"] == (NAPOT | R | W | X) << 8 | config
    assert lab.csr["pmpaddr0"] == napot(DATA, 4096)
    assert lab.csr["pmpaddr1"] == 5
    lab.csr["pmpcfg0"] = 0
    assert lab.csr["pmpcfg0"] == config


def test_a_locked_tor_entry_locks_the_address_below(lab):
    entries(lab, (DATA >> 2, 0), (DATA + 4096 >> 2, TOR | L | R))
    lab.csr["pmpaddr0"] = 1
    lab.csr["pmpaddr1"] = 2
    assert (lab.csr["pmpaddr0"], lab.csr["pmpaddr1"]) == (DATA >> 2, DATA + 4096 >> 2)
    lab.csr["pmpcfg0"] = NAPOT | R  # entry 0 itself is not locked
    assert lab.csr["pmpcfg0"] == (TOR | L | R) << 8 | NAPOT | R


def test_locks_of_off_entries(lab):
    entries(lab, (77, OFF | L))
    lab.csr["pmpaddr0"] = 78
    assert lab.csr["pmpaddr0"] == 77


# --- the registers ------------------------------------------------------------------------------


def test_write_without_read_is_reserved_and_changes_nothing(lab):
    entries(lab, (napot(DATA, 4096), NAPOT | R))
    lab.csr["pmpcfg0"] = NAPOT | W
    assert lab.csr["pmpcfg0"] == NAPOT | R
    lab.csr["pmpcfg0"] = (NAPOT | W) << 8 | NAPOT | R | W
    assert lab.csr["pmpcfg0"] == NAPOT | R | W


def test_registers_are_warl(lab):
    lab.csr["pmpcfg0"] = 0x6060606060606060 | R  # bits 5 and 6 do not exist
    assert lab.csr["pmpcfg0"] == R
    lab.csr["pmpaddr3"] = (1 << 64) - 1
    assert lab.csr["pmpaddr3"] == ALL
    lab.csr["pmpcfg2"] = 0x1D1C1B1918171513
    assert lab.csr["pmpcfg2"] == 0x1D1C1B1918171513


@pytest.mark.parametrize("number", [1, 3, *range(4, 16)])
def test_absent_registers_trap(lab, number):
    """The odd ones exist on RV32 only, and this machine has 16 entries."""
    lab.priv = M
    assert lab.do(f"csrr a0, {0x3A0 + number:#x}")[0] == 2
    assert lab.do(f"csrr a0, {0x3C0 + number:#x}")[0] == 2


def test_s_mode_has_no_access(lab):
    assert lab.do("csrr a0, pmpcfg0")[0] == 2
    assert lab.do("csrw pmpaddr0, a0")[0] == 2


# --- together with the TLB and code -------------------------------------------------------------


def test_a_change_takes_effect_at_once(lab):
    assert (load(lab, DATA), store(lab, DATA)) == (None, None)
    entries(lab, (napot(DATA, 4096), NAPOT | R))
    assert load(lab, DATA) is None
    assert store(lab, DATA) == (STORE_AF, DATA)
    lab.csr["pmpcfg0"] = 0
    assert store(lab, DATA) is None


def test_a_split_page_is_checked_at_each_access(lab):
    """No TLB entry may cover what is half forbidden, whichever half is touched first."""
    entries(lab, (napot(DATA + 2048, 2048), NAPOT))
    for _ in range(2):
        assert load(lab, DATA) is None
        assert store(lab, DATA + 2040) is None
        assert load(lab, DATA + 2048) == (LOAD_AF, DATA + 2048)
        assert store(lab, DATA + 4088) == (STORE_AF, DATA + 4088)
        assert load(lab, DATA + 2044) == (LOAD_AF, DATA + 2044)  # misaligned, across


def test_code_in_a_split_page(lab):
    """It runs up to the border, also from a page that was entered before the split."""
    lab.put("addi a0, a0, 1; " * 4, DATA)
    for split in (False, True):
        if split:
            entries(lab, (napot(DATA + 8, 8), NAPOT | R))
        lab.set(a0=0)
        assert lab.jump(DATA) is None
        assert lab.step() is None
        assert lab.step() == ((FETCH_AF, DATA + 8) if split else None)
        assert lab["a0"] == (2 if split else 3)


def test_a_breakpoint_in_a_split_page(lab):
    """Instructions there are not kept decoded, which is where breakpoints are looked for."""
    lab.put("addi a0, a0, 1; " * 4, DATA)
    entries(lab, (napot(DATA + 2048, 8), NAPOT))
    lab.machine.stops.add_breakpoint(DATA + 8)
    lab.hart.pc, lab.hart.priv, lab.hart.x[10] = DATA, S, 0
    assert lab.machine.run(3).reason == "breakpoint"
    assert (lab.hart.pc, lab["a0"]) == (DATA + 8, 2)
    assert lab.machine.run(2).reason == "budget"
    assert lab["a0"] == 4


def test_an_instruction_that_straddles_a_border(lab):
    lab.put("c.nop; addi a0, a0, 1", DATA + 4)
    entries(lab, (napot(DATA + 8, 8), NAPOT | R))
    assert lab.jump(DATA + 4) is None
    assert lab.step() == (FETCH_AF, DATA + 8)
    assert lab.hart.csr["mepc"] == DATA + 6


@both_engines
def test_split_pages_behind_page_tables(engine):
    lab = Lab(engine).paging()
    lab.map(0x4000000, DATA, "rwad")
    lab.map(0x4001000, DATA, "rwad")
    lab.csr["pmpaddr1"] = ALL
    lab.csr["pmpaddr0"] = DATA + 64 >> 2
    lab.csr["pmpcfg0"] = (NAPOT | R | W | X) << 8 | NA4 | R
    for base in (0x4000000, 0x4001000):
        assert store(lab, base) is None
        assert store(lab, base + 64) == (STORE_AF, base + 64)
        assert load(lab, base + 64, "w") is None
        assert store(lab, base + 68, "w") is None


@both_engines
def test_every_page_table_access_is_checked(engine):
    lab = Lab(engine).paging()
    lab.map(0x4000000, DATA, "rwad")
    lab.csr["pmpaddr1"] = ALL
    lab.csr["pmpaddr0"] = napot(TABLES, 4096)
    lab.csr["pmpcfg0"] = (NAPOT | R | W | X) << 8 | NAPOT
    assert lab.jump(RAM) == (FETCH_AF, RAM)


def test_all_of_ram_by_a_tor_pair(lab):
    """As firmware does it: its own part refused, the rest open."""
    lab.csr["pmpcfg2"] = 0
    entries(lab, (DATA >> 2, TOR | R | X), (RAM + SIZE >> 2, TOR | R | W | X))
    assert store(lab, DATA) is None
    assert store(lab, DATA - 8) == (STORE_AF, DATA - 8)
    assert load(lab, RAM + SIZE) == (LOAD_AF, RAM + SIZE)
