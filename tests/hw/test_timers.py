"""Time: the clock and mtime, both timers, when they fire, and how time jumps when all wait.

Source: Privileged ISA 20240411, section 3.2.1; Sstc 1.0; SBI 2.0, chapter 6.
"""

import pytest

from minihv.devices import clint
from minihv.devices.rounds import SLICE
from minihv.hw import state as st
from tests.hw.lab import CODE, DATA, HANDLER, RAM, Lab, M, S, both_engines, program

ONES = (1 << 64) - 1
MTI, STI = 7, 5
INTERRUPT = -(1 << 63)
CLINT = clint.PART.base
MTIMECMP, MTIME = CLINT + 0x4000, CLINT + 0xBFF8


@pytest.fixture(params=["python", "jit"])
def lab(request):
    return Lab(request.param)


def test_ten_ticks_are_one_unit_of_time(lab):
    lab.put("nop; " * 29 + "csrr a0, time; csrr a1, time")
    lab.jump(CODE)
    for _ in range(30):
        lab.step()
    assert (lab["a0"], lab["a1"]) == (2, 3)
    assert lab.hart.mtime == 3


def test_mtime_over_the_bus_is_the_csr(lab):
    lab.hart.idle_until(12345)
    assert lab.do("ld a0, (a1)", a1=MTIME) is None
    assert lab["a0"] == 1234
    assert lab.do("lw a0, 4(a1)", a1=MTIME) is None
    assert lab["a0"] == 0
    assert lab.do("csrr a0, time") is None
    assert lab["a0"] == 1234


def test_mtime_can_be_set(lab):
    lab.hart.idle_until(1000)
    assert lab.do("sd a2, (a1)", a1=MTIME, a2=1 << 40) is None
    assert lab.do("csrr a0, time") is None
    assert lab["a0"] == 1 << 40
    assert lab.csr["mcycle"] == 1002  # the clock itself goes on


def fires(lab, source, deadline):
    """The clock at which the interrupt `source` arrives in a run of jumps."""
    lab.put("j .")
    lab.csr["mie"] = 1 << source
    lab.csr["mstatus"] = st.MIE_BIT
    lab.hart.pc = CODE
    lab.hart.priv = M
    before = lab.s[st.TRAPS]
    lab.machine.run(deadline - lab.hart.clock)
    assert lab.s[st.TRAPS] == before
    lab.machine.run(5)
    assert lab.s[st.TRAPS] == before + 1
    assert lab.csr["mcause"] == ONES + 1 + INTERRUPT + source
    assert lab.csr["mepc"] == CODE


@pytest.mark.parametrize("deadline", [1, 7, 100, 150_000])
def test_the_machine_timer_fires_on_the_tick(lab, deadline):
    """MTIP is set while mtime >= mtimecmp, so at the first tick of that unit."""
    assert lab.do("sd a2, (a1)", a1=MTIMECMP, a2=deadline) is None
    fires(lab, MTI, deadline * 10)


@pytest.mark.parametrize("deadline", [1, 7, 100, 150_000])
def test_the_supervisor_timer_fires_on_the_tick(lab, deadline):
    lab.csr["menvcfg"] = 1 << 63
    assert lab.do("csrw stimecmp, a2", a2=deadline) is None
    fires(lab, STI, deadline * 10)


def test_the_nearest_timer_first(lab):
    lab.csr["menvcfg"] = 1 << 63
    for first, second in ((MTI, STI), (STI, MTI)):
        now = lab.hart.mtime
        lab.hart.mtimecmp = now + (50 if first == MTI else 90)
        lab.csr["stimecmp"] = now + (50 if first == STI else 90)
        lab.csr["mip"] = 0
        lab.csr["mie"] = 1 << MTI | 1 << STI
        lab.put("j .")
        lab.hart.pc, lab.hart.priv = CODE, M
        lab.csr["mstatus"] = st.MIE_BIT
        lab.machine.run((now + 60) * 10 - lab.hart.clock)
        assert lab.csr["mcause"] & 63 == first
        lab.csr["mstatus"] = st.MIE_BIT
        if first == MTI:
            lab.hart.mtimecmp = ONES
        else:
            lab.csr["stimecmp"] = ONES
        lab.machine.run((now + 100) * 10 - lab.hart.clock)
        assert lab.csr["mcause"] & 63 == second


def pending(lab, bit):
    """Whether mip shows it to the guest now."""
    assert lab.do("csrr a0, mip") is None
    return bool(lab["a0"] >> bit & 1)


def test_pending_follows_the_comparators_both_ways(lab):
    lab.csr["menvcfg"] = 1 << 63
    for name, bit in (("mtimecmp", MTI), ("stimecmp", STI)):
        for value, level in ((ONES, 0), (0, 1), (1 << 40, 0), (lab.hart.mtime, 1), (1 << 63, 0)):
            if name == "mtimecmp":
                lab.hart.mtimecmp = value
            else:
                lab.csr["stimecmp"] = value
            assert pending(lab, bit) == bool(level), (name, value)


def test_pending_follows_mtime_both_ways(lab):
    lab.hart.mtimecmp = 1000
    for value, level in (
        (999, 0),
        (1000, 1),
        (5000, 1),
        (0, 0),
        (1 << 62, 1),
        (1 << 63, 1),
        (3, 0),
    ):
        lab.hart.mtime = value
        assert pending(lab, MTI) == bool(level), value


def test_comparisons_are_unsigned(lab):
    """mtime and the comparators are unsigned 64-bit numbers."""
    lab.csr["menvcfg"] = 1 << 63
    for now in (0, 5, 1 << 62, (1 << 63) - 1, 1 << 63, ONES - 5):
        for deadline in (0, 1, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, ONES - 6, ONES):
            lab.hart.mtime = now
            lab.hart.mtimecmp = deadline
            lab.csr["stimecmp"] = deadline
            reached = lab.hart.mtime >= deadline
            assert pending(lab, MTI) == reached, (now, deadline)
            assert pending(lab, STI) == reached, (now, deadline)


def test_a_deadline_just_ahead_of_a_large_time(lab):
    for now in (1 << 62, (1 << 63) - 20, 1 << 63, ONES - 1000):
        lab.hart.mtime = now
        lab.hart.mtimecmp = now + 50
        assert not pending(lab, MTI)
        lab.hart.idle_until(lab.hart.clock + 500)
        assert pending(lab, MTI)


def test_without_stce_stimecmp_does_nothing(lab):
    lab.csr["stimecmp"] = 0
    assert not pending(lab, STI)
    lab.csr["menvcfg"] = 1 << 63
    assert pending(lab, STI)
    lab.csr["menvcfg"] = 0
    assert not pending(lab, STI)


def test_the_sbi_timer_is_the_same_comparator(lab):
    lab.hart.own_machine_mode()
    lab.hart.set_sbi_timer(lab.hart.mtime + 1)
    assert not lab.hart.pending(STI)
    lab.hart.idle_until(lab.hart.clock + 10)
    lab.hart.settle()
    assert lab.hart.pending(STI)
    lab.hart.set_sbi_timer(ONES)
    assert not lab.hart.pending(STI)


# --- waiting ------------------------------------------------------------------------------------

SLEEPER = """
        la t0, handler
        csrw mtvec, t0
        li s0, 0x2004000
        li t0, {deadline}
        sd t0, (s0)
        li t0, 0x80
        csrw mie, t0
        csrsi mstatus, 8
        wfi
        li a4, 1
1:      j 1b
        .align 2
handler: csrr a0, cycle
        csrr a1, instret
        csrr a2, time
        csrr a3, mepc
        li t0, -1
        sd t0, (s0)
        mret
"""


@both_engines
@pytest.mark.parametrize("deadline", [100, 99_999, 100_000, 100_001, 12_345_678, 1 << 50])
def test_time_jumps_to_the_next_event_when_all_wait(engine, deadline):
    """Exactly there, wherever slices end, and at no cost to speak of."""
    machine = program(engine, SLEEPER.format(deadline=deadline))
    hart = machine.harts[0]
    machine.run(200)
    assert hart.x[12] == deadline
    assert hart.x[10] == deadline * 10  # the first instruction of the handler
    assert hart.x[14] == 1
    assert machine.executed == 200
    assert hart.x[11] < 40
    assert machine.memory.read(hart.x[13] - 4, 4) == bytes.fromhex("73005010")


@both_engines
def test_idle_time_is_no_part_of_a_budget(engine):
    machine = program(engine, SLEEPER.format(deadline=1 << 40))
    assert machine.run(100).reason == "budget"
    assert machine.executed == 100
    assert machine.harts[0].clock > 1 << 40


@both_engines
def test_a_timer_that_is_not_enabled_wakes_nobody_but_ends_in_deadlock(engine):
    """Time jumps to the timer, it fires, nobody listens, and then there is nothing to come."""
    machine = program(
        engine, "li s0, 0x2004000; li t0, 1000000; sd t0, (s0); wfi; li a0, 7; wfi; j ."
    )
    assert machine.run(1000).reason == "deadlock"
    assert machine.harts[0].x[10] == 0


@both_engines
def test_the_end_of_a_slice_changes_nothing(engine):
    """A deadline at, just before and just behind the end of a slice."""
    for deadline in (SLICE // 10 - 1, SLICE // 10, SLICE // 10 + 1):
        lab = Lab(engine)
        lab.hart.idle_until(SLICE - 100)
        lab.hart.mtimecmp = deadline
        fires(lab, MTI, deadline * 10)


@both_engines
def test_a_timer_that_fires_before_wfi_does_not_wake_it(engine):
    machine = program(engine, SLEEPER.format(deadline=0))
    assert machine.run(100).reason == "deadlock"
    assert machine.harts[0].x[14] == 0


@both_engines
def test_s_mode_timer_interrupts(engine):
    """Sstc, delegated, from S-mode: what a kernel without firmware calls does."""
    source = """
            la t0, handler
            csrw stvec, t0
            csrr t0, time
            addi t0, t0, 20
            csrw stimecmp, t0
            li t1, 0x20
            csrw sie, t1
            csrsi sstatus, 2
    1:      j 1b
            .align 2
    handler: csrr a0, time
            csrr a1, scause
            li t1, -1
            csrw stimecmp, t1
            csrr a2, sip
            sret
    """
    machine = program(engine, source)
    hart = machine.harts[0]
    hart.own_machine_mode()
    hart.start(RAM, 0)
    machine.run(300)
    assert (hart.x[10], hart.x[11], hart.x[12]) == (20, INTERRUPT + STI, 0)
    assert hart.s[st.TRAPS] == 1
    assert hart.priv == S


@both_engines
def test_interrupts_come_at_the_same_instruction_on_both_engines_and_in_pieces(engine):
    """A handler stores where it was interrupted: the list must be the same."""
    source = """
            la t0, handler
            csrw mtvec, t0
            li s0, 0x2004000
            li s1, 37
            sd s1, (s0)
            la s2, log
            li t0, 0x80
            csrw mie, t0
            csrsi mstatus, 8
    1:      addi a0, a0, 1
            mul a1, a0, a0
            bnez a0, 1b
            .align 2
    handler: addi s1, s1, 13
            sd s1, (s0)
            sd a0, (s2)
            csrr t0, mepc
            sd t0, 8(s2)
            addi s2, s2, 16
            mret
            .align 3
    log:    .zero 2048
    """
    expected = program("python", source)
    expected.run(9000)
    pieces = program(engine, source)
    for _ in range(1800):
        pieces.run(5)
    assert pieces.memory.read(RAM, 4096) == expected.memory.read(RAM, 4096)
    assert expected.harts[0].s[st.TRAPS] > 50


def test_the_clint_wakes_by_software_interrupt(lab):
    lab.csr["mie"] = 1 << 3
    assert lab.do("sw a2, (a1)", a1=CLINT, a2=1) is None
    lab.csr["mstatus"] = st.MIE_BIT
    assert lab.do("nop") == (INTERRUPT + 3, 0)
    assert lab.do("sw x0, (a1)", a1=CLINT) is None
    assert not pending(lab, 3)


def test_handlers_lie_where_the_lab_says(lab):
    """The lab's own promise: traps go to HANDLER, and DATA is no code."""
    assert lab.do("ecall").cause == 11
    assert lab.hart.pc == HANDLER != DATA
