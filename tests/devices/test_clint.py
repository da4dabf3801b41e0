"""The CLINT's three register groups, whole and in parts."""

import pytest

from minihv.devices.clint import MTIME, MTIMECMP_BASE, Clint

from .fakes import FakeHart

ALL_ONES = (1 << 64) - 1
MSIP_BIT = 3


@pytest.fixture
def harts():
    return [FakeHart(i) for i in range(3)]


@pytest.fixture
def clint(harts):
    return Clint(harts)


def test_msip_raises_and_clears_one_hart(clint, harts):
    clint.write(4, 4, 0xFFFFFFFF)
    assert [h.pending(MSIP_BIT) for h in harts] == [False, True, False]
    assert [clint.read(4 * i, 4) for i in range(3)] == [0, 1, 0], "one bit exists"
    assert clint.read(0, 8) == 1 << 32
    clint.write(4, 4, 0xFE)
    assert not harts[1].pending(MSIP_BIT)


def test_msip_write_leaves_the_neighbour_alone(clint, harts):
    clint.write(4, 4, 1)
    clint.write(0, 4, 1)
    clint.write(0, 4, 0)
    assert not harts[0].pending(MSIP_BIT) and harts[1].pending(MSIP_BIT)


def test_mtimecmp_64_and_32_bits(clint, harts):
    clint.write(MTIMECMP_BASE + 8, 8, 0x1122334455667788)
    assert [h.mtimecmp for h in harts] == [ALL_ONES, 0x1122334455667788, ALL_ONES]
    clint.write(MTIMECMP_BASE + 12, 4, 0xAABBCCDD)
    assert harts[1].mtimecmp == 0xAABBCCDD55667788
    clint.write(MTIMECMP_BASE + 8, 4, 0)
    assert harts[1].mtimecmp == 0xAABBCCDD00000000
    clint.write(MTIMECMP_BASE, 8, 7)
    assert harts[0].mtimecmp == clint.read(MTIMECMP_BASE, 8) == 7
    assert clint.read(MTIMECMP_BASE + 12, 4) == 0xAABBCCDD
    assert clint.read(MTIMECMP_BASE + 8, 8) == 0xAABBCCDD00000000


def test_mtime(clint, harts):
    for hart in harts:
        hart.mtime = 0x1_00000005
    assert clint.read(MTIME, 8) == 0x1_00000005
    assert (clint.read(MTIME, 4), clint.read(MTIME + 4, 4)) == (5, 1)
    assert clint.read(MTIME + 4, 1) == 1
    clint.write(MTIME, 4, 9)
    assert {h.mtime for h in harts} == {0x1_00000009}, "the harts share one clock"
    clint.write(MTIME, 8, ALL_ONES)
    assert clint.read(MTIME, 8) == ALL_ONES


@pytest.mark.parametrize("offset", [12, 0x3FF8, MTIMECMP_BASE + 24, MTIME - 8, 0xC000, 0xFFF8])
def test_registers_of_absent_harts_read_zero(clint, harts, offset):
    clint.write(offset, 4, 0xFFFFFFFF)
    assert clint.read(offset, 4) == 0
    assert all(h.mip == 0 and h.mtimecmp == ALL_ONES and h.mtime == 0 for h in harts)


def test_snapshot(clint, harts):
    clint.write(8, 4, 1)
    state = clint.save()
    clint.write(8, 4, 0)
    clint.write(0, 4, 1)
    clint.restore(state)
    assert [h.pending(MSIP_BIT) for h in harts] == [False, False, True]
    assert [clint.read(4 * i, 4) for i in range(3)] == [0, 0, 1]
