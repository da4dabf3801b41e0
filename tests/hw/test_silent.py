"""The machine that does not conform: S-mode CSRs are silent in U-mode, and nothing else changes."""

import pytest

from minihv.devices.virt import Machine
from minihv.errors import ConfigError
from minihv.hw import state as st
from minihv.hw.registers import ABSENT, CSR_SLOT, NAME
from tests.hw.lab import ENGINES, Lab, M, S, U

ILLEGAL = 2
KINDS = ("csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci")
SUPERVISOR = [n for n in range(4096) if CSR_SLOT[n] != ABSENT and n >> 8 & 3 == 1]


def silent(engine="python"):
    lab = Lab(engine, sensitive="silent")
    lab.csr["menvcfg"], lab.csr["mcounteren"] = 1 << 63, 7
    return lab


def source(kind):
    return "21" if kind.endswith("i") else "a1"


@pytest.mark.parametrize("engine", ENGINES)
def test_reads_return_the_harts_own_value_and_writes_are_dropped(engine):
    lab = silent(engine)
    for name in {NAME[n] for n in SUPERVISOR} - {"satp", "stimecmp"}:
        lab.csr[name] = 0x1230
    lab.csr["mideleg"], lab.csr["mie"], lab.csr["sip"] = 0x222, 1 << 9, 1 << 1
    lab.csr["sstatus"] = st.SUM | st.SPIE
    before = dict(lab.csr)
    lab.priv = U
    for number in SUPERVISOR:
        for kind in KINDS:
            assert lab.do(f"{kind} a0, {number:#x}, {source(kind)}", a0=1, a1=0x155) is None
            assert lab["a0"] == before[NAME[number]], (kind, NAME[number])
    changed = {name for name, value in lab.csr.items() if value != before[name]}
    assert changed <= {"mcycle", "minstret", "cycle", "instret", "time", "mip"}
    assert lab.s[st.SILENT] == 1 + len(SUPERVISOR) * len(KINDS)


def test_the_machine_has_something_to_be_silent_about():
    assert {"sstatus", "stvec", "satp", "sscratch", "sie", "sip"} <= {NAME[n] for n in SUPERVISOR}


@pytest.mark.parametrize("text", ["sret", "mret", "wfi", "sfence.vma", "sfence.vma a0, a1"])
def test_other_privileged_instructions_trap_as_ever(text):
    lab = silent()
    lab.priv = U
    assert lab.do(text).cause == ILLEGAL


def test_other_csrs_trap_as_ever():
    lab = silent()
    lab.csr["mcounteren"] = 0
    lab.priv = U
    for number in range(4096):
        if number not in SUPERVISOR:
            assert lab.do(f"csrr a0, {number:#x}").cause == ILLEGAL, hex(number)
    assert lab.s[st.SILENT] == 1


@pytest.mark.parametrize("priv", [S, M])
def test_privileged_modes_write_as_ever(priv):
    lab = silent()
    lab.priv = priv
    assert lab.do("csrrw a0, sscratch, a1", a1=77) is None
    assert lab.csr["sscratch"] == 77 and lab.s[st.SILENT] == 1


def test_the_standard_machine_traps():
    lab = Lab("python")
    lab.priv = U
    for number in SUPERVISOR:
        assert lab.do(f"csrr a0, {number:#x}").cause == ILLEGAL


def test_any_other_word_is_an_error():
    with pytest.raises(ConfigError, match="sensitive 'loud': choose 'trap' or 'silent'"):
        Machine(sensitive="loud")
