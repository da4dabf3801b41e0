"""The table of registers, and of extensions: what is derived from it holds together."""

import pytest

from minihv.devices.virt import Machine
from minihv.hw import extensions, registers
from minihv.hw import state as st
from minihv.hw.registers import ROWS, Whose, region
from tests.devices.dtb import find, parse


def test_no_two_registers_are_one():
    for values in ([row.name for row in ROWS], [row.number for row in ROWS if row.number >= 0]):
        assert len(values) == len(set(values))
    slots = [row.slot for row in ROWS if row.slot > 0 and row.name != "mhartid"]
    assert len(slots) == len(set(slots))


def test_regions_follow_one_another():
    ends = [whose.value for whose in Whose]
    assert all(a + n == b for (a, n), (b, _) in zip(ends, ends[1:], strict=False))
    assert sum(ends[-1]) <= st.EXIT and st.SPACE_GUEST + 32 == st.SLOTS


def test_a_vs_copy_is_where_its_model_is_in_the_other_region():
    first, copies = region(Whose.TWIN), region(Whose.VS_COPY)
    twins = [row for row in ROWS if first.start <= row.slot < first.stop]
    by_number = {row.number: row for row in ROWS}
    for row in twins:
        copy = by_number[row.number + registers.TO_VS]
        assert (copy.name, copy.writable, copy.fields) == ("v" + row.name, row.writable, row.fields)
        assert copy.slot - copies.start == row.slot - first.start
    assert len(twins) == copies.stop - copies.start > 5


def test_a_full_region_says_so(monkeypatch):
    monkeypatch.setitem(registers._used, Whose.HOST, Whose.HOST.value[1])
    with pytest.raises(ValueError, match="the region HOST of the state vector is full"):
        registers.hidden(Whose.HOST, "one_more")


@pytest.mark.parametrize("chosen, letters, string", [
    ("", "ACIMSU", "rv64imac_zicntr_zicsr_zifencei_sstc_svinval"),
    ("H", "ACHIMSU", "rv64imach_zicntr_zicsr_zifencei_sstc_svinval"),
])  # fmt: skip
def test_misa_and_the_isa_string_are_of_one_table(chosen, letters, string):
    assert extensions.isa_string(chosen) == string
    misa = extensions.misa(chosen)
    assert misa < 0 and misa & 0x3FFFFFF == sum(1 << ord(letter) - 65 for letter in letters)
    machine = Machine(1 << 20, engine="python", hypervisor=bool(chosen))
    machine.load(b"\x13\0\0\0", boot="m")
    assert machine.harts[0].csr["misa"] == misa & (1 << 64) - 1
    tree = parse(machine.memory.read(machine.harts[0].x[11], 1 << 12))
    cpu = find(tree, "/cpus/cpu@0")
    assert cpu is not None and cpu.props["riscv,isa"] == string.encode() + b"\0"
