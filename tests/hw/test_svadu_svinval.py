"""Svadu: who sets A and D is menvcfg's and henvcfg's to say. Svinval: fences in three steps."""

import pytest

from minihv.asm import assemble
from minihv.devices.virt import Machine
from minihv.hw import state as st
from minihv.hw.mmu import locate
from minihv.vmm.run import PAIRS, new_machine

# A page without A and D, at 0x40000000; the root at 0x80010000 maps 0x80000000 as it is.
TABLES = """
    li t0, 0x80010000
    li t1, 0x20000007 | 0xC8
    sd t1, 16(t0)
    li t1, 0x20005001
    sd t1, 8(t0)
    li t1, 0x20005401
    li t0, 0x80014000
    sd t1, (t0)
    li t1, 0x20006007
    li t0, 0x80015000
    sd t1, (t0)
    li t0, 0x8000000000080010
"""
TOUCH = """
    li t1, 0x40000000
    sd t1, (t1)
    li t0, 0x80015000
    ld a0, (t0)
    andi a0, a0, 0xC0
    j done
    .align 2
trap: csrr a0, scause
done:
    li a7, 8
    ecall
"""
SET, REFUSED = 0xC0, 15


def outcome(machine: Machine, source: str, boot: str = "s") -> int:
    machine.load(assemble("la t0, trap\n csrw stvec, t0\n" + TABLES + source).elf(), boot=boot)
    machine.run(10_000)
    return machine.harts[0].x[10]


@pytest.mark.parametrize("mode, paging", [("bare", None), *PAIRS])
@pytest.mark.parametrize("svade, expected", [(False, SET), (True, REFUSED)])
def test_a_and_d_are_set_by_the_walker_unless_the_machine_has_svade(mode, paging, svade, expected):
    machine = new_machine(mode, paging, memory=8 << 20, svade=svade)
    assert outcome(machine, "csrw satp, t0\n" + TOUCH) == expected


@pytest.mark.parametrize("mode", ["bare", "trap"])
def test_m_mode_chooses_by_adue(mode):
    for clear, expected in (("", SET), ("li t2, 1 << 61\n csrc menvcfg, t2\n", REFUSED)):
        enter = f"""{clear}
            csrw satp, t0
            li t2, -1
            csrw pmpaddr0, t2
            li t2, 0x1f
            csrw pmpcfg0, t2
            li t2, 0xffff
            csrw medeleg, t2
            li t2, 0x1800
            csrc mstatus, t2
            li t2, 0x800
            csrs mstatus, t2
            la t2, 1f
            csrw mepc, t2
            mret
        1:"""
        text = TOUCH.replace("li a7, 8\n    ecall", "j .")
        assert outcome(new_machine(mode, memory=8 << 20), enter + text, "m") == expected


@pytest.mark.parametrize("svade", [False, True])
def test_adue_is_there_unless_the_machine_has_svade_and_m_mode_grants_it(svade):
    machine = Machine(memory=8 << 20, hypervisor=True, svade=svade)
    source = """
        csrr a0, menvcfg
        csrr a1, henvcfg
        li t0, -1
        csrw menvcfg, t0
        csrw henvcfg, t0
        csrr a2, menvcfg
        csrr a3, henvcfg
        csrw menvcfg, zero
        csrr a4, henvcfg
    """
    machine.load(assemble(source).elf(), boot="m")
    machine.run(10)
    bits = [machine.harts[0].x[10 + k] >> 61 & 1 for k in range(5)]
    assert bits == [not svade] * 4 + [0]


@pytest.mark.parametrize("henvcfg, expected", [(0, "fault"), (st.ADUE, "set")])
def test_henvcfg_decides_for_the_guest(henvcfg, expected):
    machine = Machine(memory=8 << 20, hypervisor=True)
    machine.load(assemble(TABLES + "csrw vsatp, t0\n li t1, 0x40000000\n1: j 1b").elf(), boot="m")
    machine.run(100)
    hart = machine.harts[0]
    s = hart.s
    s[st.HENVCFG], s[st.VIRT], s[st.VSSTATUS] = henvcfg, 1, st.UXL
    hart.own_machine_mode()
    hart.priv = 1
    hart.flush()
    pa = locate(s, *machine.memory.views.for_walks, 0x40000000, 8, st.WRITE)
    assert (pa == 0x80018000) == (expected == "set")
    pte = int.from_bytes(machine.memory.read(0x80015000, 8), "little")
    assert bool(pte & 0xC0) == (expected == "set")


UNMAP = """
    csrw satp, t0
    li t1, 0x40000000
    sd t1, (t1)
    li t0, 0x80015000
    sd zero, (t0)
    {fence}
    ld a0, (t1)
    j done
    .align 2
trap: csrr a0, scause
done: li a7, 8
    ecall
"""


@pytest.mark.parametrize("mode, paging", [("bare", None), *PAIRS])
@pytest.mark.parametrize("operands", ["zero, zero", "t1, zero"])
def test_sinval_forgets_as_sfence_does(mode, paging, operands):
    fence = f"sfence.w.inval\n sinval.vma {operands}\n sfence.inval.ir"
    machine = new_machine(mode, paging, memory=8 << 20)
    assert outcome(machine, UNMAP.format(fence=fence)) == 13


@pytest.mark.parametrize("mode, paging", [("bare", None), *PAIRS])
@pytest.mark.parametrize("word", ["sinval.vma zero, zero", "sfence.w.inval", "sfence.inval.ir"])
def test_user_mode_may_do_none_of_it(mode, paging, word):
    source = f"""
        la t1, 1f
        csrw sepc, t1
        sret
    1:  {word}
        .align 2
    trap: csrr a0, scause
        li a7, 8
        ecall
    """
    assert outcome(new_machine(mode, paging, memory=8 << 20), source) == 2
