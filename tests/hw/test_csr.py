"""CSRs: which exist, who may access them, what a write can change, what the instructions do.

Source: Privileged ISA 20240411, chapters 2, 3 and 10; Unprivileged ISA, chapter 7.
"""

import pytest

from minihv.hw import state as st
from minihv.hw.registers import ABSENT, CSR_SLOT, NUMBER
from tests.hw.lab import CODE, DATA, HANDLER, Lab, M, S, U

ONES = (1 << 64) - 1
ILLEGAL = 2
EXISTING = [  # without the H extension
    number for number in range(4096)
    if CSR_SLOT[number] != ABSENT and number >> 8 & 3 != 2 and number not in (0x34A, 0x34B)
]  # fmt: skip
SSIP, STIP, SEIP = 1 << 1, 1 << 5, 1 << 9


@pytest.fixture(params=["python", "jit"])
def lab(request):
    return Lab(request.param)


def legal(lab, text, **registers):
    """Whether the instruction is legal in the lab's mode."""
    trap = lab.do(text, **registers)
    assert trap is None or trap.cause == ILLEGAL
    return trap is None


# --- the instructions ---------------------------------------------------------------------------


def test_the_six_instructions(lab):
    for text, start, operand, end in (
        ("csrrw a0, mscratch, a1", 0xF0, 0x3C, 0x3C),
        ("csrrs a0, mscratch, a1", 0xF0, 0x3C, 0xFC),
        ("csrrc a0, mscratch, a1", 0xF0, 0x3C, 0xC0),
        ("csrrwi a0, mscratch, 0x1c", 0xF0, 0, 0x1C),
        ("csrrsi a0, mscratch, 0x1c", 0xF0, 0, 0xFC),
        ("csrrci a0, mscratch, 0x1c", 0xF0, 0, 0xE0),
    ):
        lab.csr["mscratch"] = start
        assert lab.do(text, a0=1, a1=operand) is None
        assert lab["a0"] == start, text
        assert lab.csr["mscratch"] == end, text


def test_source_and_destination_may_be_one_register(lab):
    for text, end in (("csrrw", 0x3C), ("csrrs", 0xFC), ("csrrc", 0xC0)):
        lab.csr["mscratch"] = 0xF0
        assert lab.do(f"{text} a0, mscratch, a0", a0=0x3C) is None
        assert (lab["a0"], lab.csr["mscratch"]) == (0xF0, end)


def test_x0_as_source_is_no_write_and_a_register_that_holds_0_is_one(lab):
    """So a read-only CSR can be read by csrrs and csrrc with x0, and by nothing else."""
    for text, works in (
        ("csrrs a0, mhartid, x0", True),
        ("csrrc a0, mhartid, x0", True),
        ("csrrsi a0, mhartid, 0", True),
        ("csrrci a0, mhartid, 0", True),
        ("csrrs a0, mhartid, a1", False),
        ("csrrc a0, mhartid, a1", False),
        ("csrrw a0, mhartid, x0", False),
        ("csrrw x0, mhartid, x0", False),
        ("csrrwi a0, mhartid, 0", False),
        ("csrrsi a0, mhartid, 1", False),
    ):
        assert legal(lab, text, a1=0) == works, text


def test_x0_as_destination(lab):
    lab.csr["mscratch"] = 7
    assert lab.do("csrrw x0, mscratch, a1", a1=9) is None
    assert lab.csr["mscratch"] == 9
    assert lab.hart.x[0] == 0


# --- who may access what ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [M, S, U])
def test_all_4096_numbers_by_mode(lab, mode):
    """Read every number: it works where the CSR exists and the mode is high enough."""
    lab.csr["mcounteren"] = lab.csr["scounteren"] = 7
    lab.csr["menvcfg"] = 1 << 63
    lab.priv = mode
    got = [number for number in range(4096) if legal(lab, f"csrr a0, {number:#x}")]
    wanted = [number for number in EXISTING if number >> 8 & 3 <= mode]
    if mode != M:
        wanted = [n for n in wanted if not 0xC03 <= n < 0xC20]  # their enable bits are 0
    assert got == wanted


def test_all_read_only_numbers_refuse_writes(lab):
    for number in EXISTING:
        if number >> 10 == 3:
            assert not legal(lab, f"csrw {number:#x}, x0"), hex(number)


def test_every_writable_register_takes_what_it_gave(lab):
    """Reading and writing back changes nothing, whatever the field rules."""
    for number in EXISTING:
        if number >> 10 != 3 and number not in (NUMBER["mcycle"], NUMBER["minstret"]):
            assert lab.do(f"csrrw a0, {number:#x}, a1", a1=ONES) is None
            assert lab.do(f"csrr a0, {number:#x}") is None
            first = lab["a0"]
            assert lab.do(f"csrw {number:#x}, a0") is None
            assert lab.do(f"csrr a0, {number:#x}") is None
            assert lab["a0"] == first, hex(number)
            if number < 0x3A0 or number > 0x3EF:
                assert lab.do(f"csrw {number:#x}, x0") is None


@pytest.mark.parametrize(("number", "bit"), [(0xC00, 1), (0xC01, 2), (0xC02, 4)])
def test_counter_enables(lab, number, bit):
    """S needs mcounteren, U needs both."""
    text = f"csrr a0, {number:#x}"
    for m in (0, bit, 7 & ~bit):
        for s in (0, bit, 7 & ~bit):
            lab.csr["mcounteren"], lab.csr["scounteren"] = m, s
            lab.priv = M
            assert legal(lab, text)
            lab.priv = S
            assert legal(lab, text) == (m == bit)
            lab.priv = U
            assert legal(lab, text) == (m == bit and s == bit)


def test_stimecmp_needs_stce_and_mcounteren(lab):
    for stce in (0, 1 << 63):
        for enabled in (0, 2, 5):
            lab.csr["menvcfg"], lab.csr["mcounteren"] = stce, enabled
            lab.priv = S
            assert legal(lab, "csrr a0, stimecmp") == bool(stce and enabled == 2)
            assert legal(lab, "csrw stimecmp, a0") == bool(stce and enabled == 2)
            lab.priv = M
            assert legal(lab, "csrr a0, stimecmp")


# --- fields -------------------------------------------------------------------------------------


def test_mstatus_fields(lab):
    lab.csr["mstatus"] = ONES
    assert lab.csr["mstatus"] == 0xA007E19AA | 0  # UXL, SXL = 2; no FS, VS, XS, SD, MBE, SBE, UBE
    lab.csr["mstatus"] = 0
    assert lab.csr["mstatus"] == 0xA00000000
    lab.csr["mstatus"] = 1 << 11
    assert lab.csr["mstatus"] >> 11 & 3 == S
    lab.csr["mstatus"] = 2 << 11  # no such mode: MPP keeps its value, WARL
    assert lab.csr["mstatus"] >> 11 & 3 == S


def test_sstatus_is_a_part_of_mstatus(lab):
    lab.csr["mstatus"] = ONES
    assert lab.csr["sstatus"] == 0x2000C0122
    lab.csr["sstatus"] = 0
    assert lab.csr["mstatus"] == 0xA007E19AA & ~0xC0122
    lab.csr["mstatus"] = 0
    lab.csr["sstatus"] = ONES
    assert lab.csr["mstatus"] == 0xA000C0122


def test_set_and_clear_on_sstatus_touch_no_other_field(lab):
    lab.csr["mstatus"] = st.MIE_BIT | st.TVM | 3 << 11
    lab.priv = S
    assert lab.do("csrrs x0, sstatus, a0", a0=ONES) is None
    assert lab.csr["mstatus"] == 0xA00000000 | 0xC0122 | st.MIE_BIT | st.TVM | 3 << 11
    assert lab.do("csrrc x0, sstatus, a0", a0=ONES) is None
    assert lab.csr["mstatus"] == 0xA00000000 | st.MIE_BIT | st.TVM | 3 << 11


def test_misa(lab):
    assert lab.csr["misa"] == 2 << 62 | sum(1 << ord(c) - 65 for c in "ACIMSU")
    lab.csr["misa"] = 0
    assert lab.csr["misa"] >> 62 == 2


@pytest.mark.parametrize("name", ["mepc", "sepc"])
def test_epc_is_even(lab, name):
    lab.csr[name] = ONES
    assert lab.csr[name] == ONES - 1


@pytest.mark.parametrize("name", ["mtvec", "stvec"])
def test_tvec_modes(lab, name):
    for value in (HANDLER, HANDLER | 1, 0x1234 << 40):
        lab.csr[name] = value
        assert lab.csr[name] == value
    for value in (HANDLER | 2, HANDLER | 3):  # reserved: the write changes nothing
        lab.csr[name] = HANDLER + 4
        lab.csr[name] = value
        assert lab.csr[name] == HANDLER + 4


def test_delegation_registers(lab):
    lab.csr["medeleg"] = lab.csr["mideleg"] = ONES
    assert lab.csr["medeleg"] == 0xB3FF  # all but ecall from M (11) and what is reserved
    assert lab.csr["mideleg"] == SSIP | STIP | SEIP


def test_satp(lab):
    lab.csr["satp"] = 8 << 60 | ONES >> 4
    assert lab.csr["satp"] == 8 << 60 | ONES >> 4  # 16 bits of ASID, 44 of PPN
    lab.csr["satp"] = 5  # Bare: the rest must be 0 to mean anything
    assert lab.csr["satp"] == 0


def test_identity(lab):
    for name in ("mvendorid", "marchid", "mimpid", "mhartid", "mconfigptr"):
        assert lab.csr[name] == 0
        assert legal(lab, f"csrr a0, {name}")


def test_names_without_a_register_say_so(lab):
    with pytest.raises(KeyError, match="no CSR named 'fcsr'"):
        lab.csr["fcsr"]
    with pytest.raises(KeyError, match="no CSR named 'nonsense'"):
        lab.csr["nonsense"] = 1
    assert len(lab.csr) == len(list(lab.csr)) > 50


# --- interrupt registers ------------------------------------------------------------------------


def test_mie_and_its_view_sie(lab):
    lab.csr["mie"] = ONES
    assert lab.csr["mie"] == 0xAAA
    assert lab.csr["sie"] == 0  # nothing is delegated
    lab.csr["mideleg"] = SSIP | SEIP
    assert lab.csr["sie"] == SSIP | SEIP
    lab.csr["sie"] = 0
    assert lab.csr["mie"] == 0xAAA & ~(SSIP | SEIP)
    lab.csr["mie"] = 0
    lab.csr["sie"] = ONES
    assert lab.csr["mie"] == SSIP | SEIP


def test_mip_takes_only_the_supervisor_bits(lab):
    lab.csr["mip"] = ONES
    assert lab.csr["mip"] == SSIP | STIP | SEIP
    lab.csr["mip"] = 0
    assert lab.csr["mip"] == 0
    for bit in (3, 7, 11):
        lab.hart.set_pending(bit, True)
    assert lab.csr["mip"] == 0x888
    lab.csr["mip"] = 0
    assert lab.csr["mip"] == 0x888


def test_sip_shows_what_is_delegated_and_takes_ssip_alone(lab):
    lab.csr["mip"] = ONES
    assert lab.csr["sip"] == 0
    lab.csr["mideleg"] = ONES
    assert lab.csr["sip"] == SSIP | STIP | SEIP
    lab.csr["sip"] = 0
    assert lab.csr["mip"] == STIP | SEIP
    lab.csr["sip"] = ONES
    assert lab.csr["mip"] == SSIP | STIP | SEIP
    lab.csr["mideleg"] = STIP | SEIP
    lab.csr["sip"] = 0
    assert lab.csr["mip"] == SSIP | STIP | SEIP


def test_seip_is_the_line_or_the_bit_that_software_wrote(lab):
    """csrrs and csrrc must not make the line's level stick (section 3.1.9)."""
    lab.hart.set_pending(9, True)
    assert lab.do("csrrs a0, mip, a1", a1=SSIP) is None
    assert lab["a0"] == SEIP  # what is read includes the line
    lab.hart.set_pending(9, False)
    assert lab.csr["mip"] == SSIP
    lab.hart.set_pending(9, True)
    assert lab.do("csrrs a0, mip, a1", a1=SEIP) is None
    lab.hart.set_pending(9, False)
    assert lab.csr["mip"] == SSIP | SEIP
    assert lab.do("csrrc a0, mip, a1", a1=SEIP) is None
    assert lab.csr["mip"] == SSIP


def test_stip_is_read_only_with_sstc(lab):
    """And whatever software wrote before does not stay behind for ever."""
    lab.csr["mip"] = STIP
    lab.csr["menvcfg"] = 1 << 63
    lab.csr["stimecmp"] = ONES
    assert lab.csr["mip"] & STIP == 0
    lab.csr["mip"] = STIP
    assert lab.csr["mip"] & STIP == 0
    lab.csr["stimecmp"] = 0
    assert lab.csr["mip"] & STIP
    lab.csr["mip"] = 0
    assert lab.csr["mip"] & STIP


# --- counters -----------------------------------------------------------------------------------


def test_instret_counts_what_retires(lab):
    lab.put("csrr a0, minstret; nop; nop; ecall; nop", CODE)
    lab.put("csrr a1, minstret; j .", HANDLER)
    assert lab.jump(CODE) is None
    for _ in range(2):
        lab.step()
    assert lab.step() == (11, 0)
    lab.step()
    assert lab["a1"] - lab["a0"] == 3  # csrr and two nops: the ecall does not retire


@pytest.mark.parametrize("name", ["mcycle", "minstret"])
def test_a_counter_can_be_written(lab, name):
    """The instruction behind the write reads the value written (section 3.1.10)."""
    lab.put(f"csrw {name}, a1; csrr a0, {name}; csrr a2, {name}")
    for value in (0, 100, ONES):
        assert lab.jump(CODE, a1=value) is None
        lab.step()
        lab.step()
        assert lab["a0"] == value
        assert lab["a2"] == (value + 1) & ONES
    lab.put(f"csrrs a0, {name}, a1")
    lab.csr[name] = 0xF0
    assert lab.jump(CODE, a1=0x0F) is None
    assert lab["a0"] == 0xF0
    assert lab.csr[name] == 0xFF


@pytest.mark.parametrize("name", ["mcycle", "minstret"])
def test_the_host_reads_the_counter_that_it_wrote(lab, name):
    for value in (5, 0, ONES, 1 << 63):
        lab.csr[name] = value
        assert lab.csr[name] == value


def test_cycle_counts_waiting_and_instret_does_not(lab):
    lab.hart.mtimecmp = 100
    lab.csr["mie"] = 1 << 7
    assert lab.do("wfi") is None
    lab.put("csrr a0, cycle; csrr a1, instret", DATA)
    lab.hart.pc = DATA
    lab.step()
    lab.step()
    assert lab["a0"] == 1000
    assert lab["a1"] == 2


def test_the_views_agree(lab):
    for text in ("csrr a0, cycle; csrr a1, mcycle", "csrr a0, instret; csrr a1, minstret"):
        lab.put(text)
        lab.jump(CODE)
        lab.step()
        assert lab["a1"] == lab["a0"] + 1


def test_unused_counters_read_zero(lab):
    for number in (*range(0xB03, 0xB20), *range(0xC03, 0xC20), *range(0x323, 0x340), 0x320):
        lab.set(a0=1)
        assert legal(lab, f"csrr a0, {number:#x}")
        assert lab["a0"] == 0
    assert legal(lab, "csrw mcountinhibit, a0")
    assert lab.csr["mcountinhibit"] == 0
