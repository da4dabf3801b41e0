"""Several harts: turns, atomics, reservations, one clock for all, waiting, who may start whom.

Source: design of the machine (each round gives every hart one fixed slice); Unprivileged ISA,
chapter 13; SBI 2.0, chapters 7 and 9.
"""

import pytest

from minihv.devices.rounds import SHARED_SLICE
from minihv.hw import state as st
from tests.hw.compare import differences
from tests.hw.lab import RAM, both_engines, program

DATA = RAM + 0x1000


def word(machine, address):
    return machine.memory.read_u64(address)


def run(engine, source, ticks, harts=2, turn=100, **options):
    machine = program(engine, source, harts=harts, **options)
    machine.rounds.slice = turn
    machine.run(ticks)
    return machine


# --- atomics ------------------------------------------------------------------------------------

COUNTERS = {
    "amoadd": "li t0, 1; amoadd.d x0, t0, (s0)",
    "lr and sc": "2: lr.d t0, (s0); addi t0, t0, 1; sc.d t1, t0, (s0); bnez t1, 2b",
    "a lock": """
    2:      li t0, 1
            amoswap.w.aq t0, t0, 8(s0)
            bnez t0, 2b
            ld t1, (s0)
            addi t1, t1, 1
            sd t1, (s0)
            amoswap.w.rl x0, x0, 8(s0)
    """,
}


@both_engines
@pytest.mark.parametrize("way", COUNTERS)
@pytest.mark.parametrize("turn", [7, 100])
def test_a_shared_counter_loses_nothing(engine, way, turn):
    body = COUNTERS[way].replace("8(s0)", "(s2)")
    source = f"""
            li s0, {DATA}
            addi s2, s0, 64
            li s1, 200
    1:      {body}
            addi s1, s1, -1
            bnez s1, 1b
    3:      j 3b
    """
    machine = run(engine, source, 40_000, 4, turn)
    assert [hart.x[9] for hart in machine.harts] == [0] * 4
    assert word(machine, DATA) == 800


@both_engines
def test_without_atomics_updates_are_lost(engine):
    """The control: a plain load and store lose some where a turn ends between them."""
    source = f"""
            li s0, {DATA}
            li s1, 200
    1:      ld t0, (s0)
            addi t0, t0, 1
            sd t0, (s0)
            addi s1, s1, -1
            bnez s1, 1b
    3:      j 3b
    """
    machine = run(engine, source, 20_000, 4, 7)
    assert 200 <= word(machine, DATA) < 800


@both_engines
def test_the_end_of_a_turn_takes_the_reservation(engine):
    """Another hart may have stored in the meantime, so sc must fail."""
    source = f"""
            li s0, {DATA}
            lr.d t0, (s0)
            li s1, 60
    1:      addi s1, s1, -1
            bnez s1, 1b
            sc.d a1, t0, (s0)
    3:      j 3b
    """
    assert [hart.x[11] for hart in run(engine, source, 1000, 2, 100).harts] == [1, 1]
    assert [hart.x[11] for hart in run(engine, source, 1000, 2, 500).harts] == [0, 0]
    assert run(engine, source, 1000, 1, 100).harts[0].x[11] == 0


@both_engines
def test_lr_and_sc_on_one_hart(engine):
    source = f"""
            li s0, {DATA}
            li t0, 5
            sc.d a1, t0, (s0)       # nothing is reserved
            lr.d a2, (s0)
            sc.d a3, t0, (s0)       # works
            sc.d a4, t0, (s0)       # once only
            lr.d x0, (s0)
            sc.d a5, t0, 8(s0)
            lr.w a6, (s0)
            sc.w a7, t0, (s0)
    1:      j 1b
    """.replace("sc.d a5, t0, 8(s0)", "addi s0, s0, 8; sc.d a5, t0, (s0); addi s0, s0, -8")
    machine = run(engine, source, 60, 1)
    assert [machine.harts[0].x[k] for k in range(11, 18)] == [1, 0, 0, 1, 1, 5, 0]


@both_engines
@pytest.mark.parametrize("width", ["w", "d"])
def test_an_sc_that_fails_ends_the_reservation_too(engine, width):
    source = f"""
            li s0, {DATA}
            addi s1, s0, 8
            lr.{width} a2, (s0)
            sc.{width} a3, s0, (s1)     # elsewhere: fails
            sc.{width} a4, s0, (s0)     # nothing is reserved any more
    1:      j 1b
    """
    machine = run(engine, source, 60, 1)
    assert [machine.harts[0].x[k] for k in (13, 14)] == [1, 1]
    assert word(machine, DATA) == word(machine, DATA + 8) == 0


@both_engines
def test_a_page_that_one_hart_stores_to_and_another_executes(engine):
    """The first one's TLB must learn that the page holds code now."""
    source = f"""
            li s0, {DATA}
            li t1, 0x00150513       # addi a0, a0, 1
            li t2, 0x00250513       # addi a0, a0, 2
            bnez a0, writer
            li s1, 200
    1:      addi s1, s1, -1         # until it has been written
            bnez s1, 1b
            li s1, 100
    2:      jalr ra, (s0)
            addi s1, s1, -1
            bnez s1, 2b
    3:      j 3b
    writer: li t3, 0x00008067       # ret
            sw t3, 4(s0)
    4:      sw t1, (s0)
            li s1, 150
    5:      addi s1, s1, -1
            bnez s1, 5b
            sw t2, (s0)
            li s1, 150
    6:      addi s1, s1, -1
            bnez s1, 6b
            j 4b
    """
    machine = run(engine, source, 5000, 2, 50)
    alone = machine.harts[0].x[10]
    assert machine.harts[0].x[9] == 0
    assert 120 < alone < 180  # 100 calls, some of them add 1 and some 2


# --- time ---------------------------------------------------------------------------------------


@both_engines
def test_all_clocks_meet_at_the_end_of_a_round(engine):
    machine = run(engine, "1: j 1b", 3 * SHARED_SLICE * 2, 3, SHARED_SLICE)
    assert [hart.clock for hart in machine.harts] == [2 * SHARED_SLICE] * 3


@both_engines
def test_a_waiting_hart_idles_through_its_turns(engine):
    machine = run(engine, "beqz a0, 1f; wfi; 1: j 1b", 10_000, 2)
    first, second = machine.harts
    assert abs(first.clock - second.clock) <= 100
    assert second.instructions == 2
    assert second.csr["mcycle"] == second.clock


@both_engines
def test_time_jumps_only_when_all_wait(engine):
    source = """
            la t0, handler
            csrw mtvec, t0
            li t0, 0x80
            csrw mie, t0
            csrsi mstatus, 8
            li t0, 0x2004000
            slli t1, a0, 3
            add t0, t0, t1
            li t1, 1000
            slli t2, a0, 10
            add t1, t1, t2
            sd t1, (t0)             # hart h: at 1000 + 1024 * h
            wfi
    1:      j 1b
            .align 2
    handler: csrr a1, time
            csrr a2, cycle
            li t1, -1
            sd t1, (t0)
            mret
    """
    machine = run(engine, source, 100, 3)
    assert [hart.x[11] for hart in machine.harts] == [1000, 0, 0]
    machine = run(engine, source, 100_000, 3)
    assert [hart.x[11] for hart in machine.harts] == [1000, 2024, 3048]
    assert [hart.x[12] for hart in machine.harts] == [10_001, 20_241, 30_481]


@both_engines
def test_mtime_is_the_time_of_the_hart_that_asks(engine):
    """The harts' clocks differ within a round; the CLINT and the CSR must not."""
    source = """
            li s0, 0x200bff8
            li s1, 50
    1:      ld a1, (s0)
            csrr a2, time
            sub a3, a2, a1          # 0 or 1
            or a4, a4, a3
            addi s1, s1, -1
            bnez s1, 1b
            ecall
    """
    machine = run(engine, source, 3000, 3, 1000)
    assert all(hart.x[14] in (0, 1) for hart in machine.harts)


@both_engines
@pytest.mark.parametrize("writer", [0, 1, 2])
def test_setting_mtime_sets_it_for_all(engine, writer):
    """Whoever does it, at whatever point of its turn: afterwards all harts agree."""
    source = f"""
            li t0, {writer}
            bne a0, t0, 1f
            li t0, 0x200bff8
            li t1, 123456
            sd t1, (t0)
            csrr a1, time
    1:      j 1b
    """
    machine = run(engine, source, 3 * 5000, 3, 1000)
    assert machine.harts[writer].x[11] in (123456, 123457)
    assert len({hart.s[st.TIME_OFFSET] for hart in machine.harts}) == 1
    assert {hart.mtime for hart in machine.harts} == {machine.harts[0].mtime}


# --- waiting and being woken --------------------------------------------------------------------


@both_engines
def test_deadlock_needs_all_harts(engine):
    source = "beqz a0, 1f; wfi; 1: li t0, 1000; 2: addi t0, t0, -1; bnez t0, 2b; wfi"
    machine = program(engine, source, harts=3)
    machine.rounds.slice = 100
    end = machine.run(1_000_000)
    assert end.reason == "deadlock"
    assert machine.harts[0].instructions > 2000
    assert all(hart.waiting for hart in machine.harts)


@both_engines
def test_one_hart_wakes_another(engine):
    source = """
            bnez a0, waiter
            li t0, 500
    1:      addi t0, t0, -1
            bnez t0, 1b
            li t1, 0x2000000
            li t2, 1
            sw t2, 4(t1)            # msip of hart 1
    2:      j 2b
    waiter: la t0, handler
            csrw mtvec, t0
            csrsi mstatus, 8
            csrwi mie, 8
            wfi
    3:      j 3b
            .align 2
    handler: csrr a1, mcause
            csrr a2, cycle
            li t1, 0x2000000
            sw x0, 4(t1)
            mret
    """
    machine = run(engine, source, 4000, 2)
    woken = machine.harts[1]
    assert woken.x[11] & 63 == 3
    assert 1000 <= woken.x[12] < 1200
    assert woken.s[st.TRAPS] == 1
    assert not woken.pending(3)


@both_engines
def test_a_hart_in_a_trap_loop_does_not_stop_the_others(engine):
    machine = run(engine, "beqz a0, 1f; csrw mtvec, x0; ecall; 1: j 1b", 10_000, 2)
    assert machine.harts[0].instructions > 4000
    assert machine.harts[1].instructions == 2  # and an ecall, which does not retire
    assert machine.executed == 10_000


@both_engines
def test_a_budget_counts_all_harts(engine):
    machine = program(engine, "1: j 1b", harts=4)
    for budget in (1, 2, 39, 4000, 100_003):
        before = machine.executed
        assert machine.run(budget).reason == "budget"
        assert machine.executed - before == budget


@both_engines
def test_any_hart_can_end_the_machine(engine):
    source = "li t0, 2; bne a0, t0, 1f; li t0, 0x100000; li t1, 0x73333; sw t1, (t0); 1: j 1b"
    machine = run(engine, source, 10_000, 4)
    assert (machine.ended.reason, machine.ended.exit_status) == ("exit", 7)


# --- harts under the host's firmware ------------------------------------------------------------

STARTER = """
        li a7, 0x48534d         # HSM
        li a6, 0                # hart_start(hart, address, opaque)
        li s1, 1
1:      mv a0, s1
        la a1, other
        slli a2, s1, 4
        ecall
        addi s1, s1, 1
        li t0, 4
        bne s1, t0, 1b
2:      la t0, arrived
        ld t1, (t0)
        li t2, 3
        bne t1, t2, 2b
        li a0, 7
        li a6, 2                # hart_get_status
        ecall
        j .
other:  la t0, arrived
        li t1, 1
        amoadd.d x0, t1, (t0)
        mv s2, a0
        mv s3, a1
        li a6, 1                # hart_stop
        li a7, 0x48534d
        ecall
        j .
        .align 3
arrived: .dword 0
"""


@both_engines
def test_harts_start_and_stop_by_sbi(engine):
    machine = program(engine, STARTER, harts=4)
    machine.rounds.slice = 50
    for hart in machine.harts:
        hart.own_machine_mode()
        if hart.id:
            hart.stop()
    machine.harts[0].start(RAM, 0)
    machine.run(3000)
    assert [hart.x[18] for hart in machine.harts] == [0, 1, 2, 3]
    assert [hart.x[19] for hart in machine.harts] == [0, 16, 32, 48]
    assert [hart.status for hart in machine.harts] == ["started"] + ["stopped"] * 3
    assert machine.harts[0].x[10] == -3  # SBI_ERR_INVALID_PARAM: there is no hart 7


# --- determinism --------------------------------------------------------------------------------


@both_engines
def test_pieces_of_a_run_change_nothing(engine):
    """Not even a budget that ends in the middle of some hart's turn."""
    source = COUNTERS["lr and sc"]
    text = f"li s0, {DATA}; 1: {source}; j 1b"
    whole = run(engine, text, 9000, 3)
    parts = program(engine, text, harts=3)
    parts.rounds.slice = 100
    for size in (1, 7, 92, 100, 101, 1699, 7000):
        parts.run(size)
    assert differences(whole, parts) == []
