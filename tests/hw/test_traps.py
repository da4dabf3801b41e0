"""Traps: delegation, what they leave behind, returns, interrupt priority, waiting, trap loops.

Source: Privileged ISA 20240411, sections 3.1.6 to 3.1.9, 3.1.15, 3.3 and 10.1.
"""

import pytest

from minihv.hw import state as st
from tests.hw.lab import (
    CODE,
    DATA,
    HANDLER,
    RAM,
    SIZE,
    Lab,
    M,
    S,
    U,
    both_engines,
    program,
)

SSI, MSI, STI, MTI, SEI, MEI = 1, 3, 5, 7, 9, 11
ILLEGAL = 2
INTERRUPT = -(1 << 63)


@pytest.fixture(params=["python", "jit"])
def lab(request):
    return Lab(request.param)


def cause_of(lab, text, **registers):
    """The cause with which an instruction traps, or None."""
    trap = lab.do(text, **registers)
    return trap and trap.cause


# --- exceptions ---------------------------------------------------------------------------------

EXCEPTIONS = [
    ("ecall", None, 0),
    ("ebreak", 3, CODE),
    ("c.ebreak", 3, CODE),
    (".word 0xffffffff", ILLEGAL, 0xFFFFFFFF),
    (".half 0", ILLEGAL, 0),
    (".half 0x8000", ILLEGAL, 0x8000),
    ("csrr a0, 0x5c0", ILLEGAL, 0x5C002573),
    ("csrw cycle, a0", ILLEGAL, 0xC0051073),
    ("ld a0, (x0)", 5, 0),
    ("sd a0, 8(x0)", 7, 8),
    ("lr.w a0, (a1)", 4, DATA + 2),
    ("sc.w a0, a0, (a1)", 6, DATA + 2),
    ("amoadd.d a0, a0, (a1)", 6, DATA + 2),
]


@pytest.mark.parametrize(("text", "cause", "tval"), EXCEPTIONS)
@pytest.mark.parametrize("mode", [M, S, U])
def test_causes_and_values(lab, text, cause, tval, mode):
    lab.priv = mode
    cause = 8 + mode if cause is None else cause
    assert lab.do(text, a1=DATA + 2) == (cause, tval)
    assert lab.csr["mepc"] == CODE
    assert lab.csr["mstatus"] >> 11 & 3 == mode
    assert (lab.hart.priv, lab.hart.pc) == (M, HANDLER)


RAISED_BY = {
    2: ".word 0", 3: "ebreak", 4: "lr.d a0, (a1)", 5: "ld a0, (x0)", 6: "sc.d a0, a0, (a1)",
    7: "sd a0, (x0)", 8: "ecall", 9: "ecall", 11: "ecall",
}  # fmt: skip


@pytest.mark.parametrize("code", RAISED_BY)
def test_delegation(lab, code):
    """Each exception goes to S-mode if its bit is set and it comes from S or U."""
    lab.csr["medeleg"] = (1 << 64) - 1
    assert lab.csr["medeleg"] == 0xB3FF
    for delegated in (True, False):
        lab.csr["medeleg"] = 1 << code if delegated else ~(1 << code) & (1 << 64) - 1
        for mode in (U, S, M):
            if code in (8, 9, 11) and code != 8 + mode:
                continue
            lab.priv = mode
            lab.csr["scause"] = lab.csr["mcause"] = 99
            assert lab.do(RAISED_BY[code], a1=DATA + 1) is not None
            to_s = delegated and mode != M
            assert lab.hart.priv == (S if to_s else M)
            assert lab.csr["scause" if to_s else "mcause"] == code
            assert lab.csr["mcause" if to_s else "scause"] == 99
            assert lab.csr["sepc" if to_s else "mepc"] == CODE


@both_engines
@pytest.mark.parametrize("cause", [12, 13, 15])
def test_delegated_page_faults(engine, cause):
    lab = Lab(engine).paging(U)
    for page in range(HANDLER, HANDLER + 0x1000, 0x1000):
        lab.map(page, page, "rxad")  # the S-mode handler may not be a user page
    lab.csr["medeleg"] = 1 << cause
    va = 0x5000000
    trap = lab.jump(va) if cause == 12 else lab.do(
        "ld a0, (a1)" if cause == 13 else "sd a0, (a1)", a1=va
    )  # fmt: skip
    assert trap == (cause, va)
    assert lab.hart.priv == S
    assert lab.csr["sstatus"] & st.SPP == 0
    assert lab.csr["sepc"] == (va if cause == 12 else CODE)


def test_entering_m_mode_stacks_interrupt_enable_and_mode(lab):
    for mode in (U, S, M):
        for enabled in (0, st.MIE_BIT):
            lab.priv = mode
            lab.csr["mstatus"] = enabled | st.SIE | st.SPIE | st.SPP
            lab.do("ecall")
            status = lab.csr["mstatus"]
            assert status >> 11 & 3 == mode
            assert bool(status & st.MPIE) == bool(enabled)
            assert not status & st.MIE_BIT
            assert status & (st.SIE | st.SPIE | st.SPP) == st.SIE | st.SPIE | st.SPP


def test_entering_s_mode_stacks_interrupt_enable_and_mode(lab):
    lab.csr["medeleg"] = 0x300
    for mode in (U, S):
        for enabled in (0, st.SIE):
            lab.priv = mode
            lab.csr["mstatus"] = enabled | st.MIE_BIT | st.MPIE | 3 << 11
            lab.do("ecall")
            status = lab.csr["mstatus"]
            assert bool(status & st.SPP) == (mode == S)
            assert bool(status & st.SPIE) == bool(enabled)
            assert not status & st.SIE
            assert status & (st.MIE_BIT | st.MPIE | 3 << 11) == st.MIE_BIT | st.MPIE | 3 << 11


@pytest.mark.parametrize("mode", [U, S, M])
@pytest.mark.parametrize("enabled", [0, st.MPIE])
def test_mret(lab, mode, enabled):
    lab.csr["mepc"] = DATA + 2
    lab.csr["mstatus"] = mode << 11 | enabled | st.SPP
    assert lab.do("mret") is None
    assert (lab.hart.priv, lab.hart.pc) == (mode, DATA + 2)
    status = lab.csr["mstatus"]
    assert status >> 11 & 3 == U
    assert bool(status & st.MIE_BIT) == bool(enabled)
    assert status & st.MPIE
    assert status & st.SPP


@pytest.mark.parametrize("mode", [U, S])
@pytest.mark.parametrize("enabled", [0, st.SPIE])
@pytest.mark.parametrize("origin", [S, M])
def test_sret(lab, mode, enabled, origin):
    lab.csr["sepc"] = DATA + 2
    lab.csr["mstatus"] = mode << 8 | enabled | 3 << 11
    lab.priv = origin
    assert lab.do("sret") is None
    assert (lab.hart.priv, lab.hart.pc) == (mode, DATA + 2)
    status = lab.csr["mstatus"]
    assert not status & st.SPP
    assert bool(status & st.SIE) == bool(enabled)
    assert status & st.SPIE
    assert status >> 11 & 3 == M


def test_who_may_return(lab):
    for text, mode in (("mret", S), ("mret", U), ("sret", U)):
        lab.priv = mode
        assert cause_of(lab, text) == ILLEGAL


def test_tvm_tw_and_tsr_take_from_s_mode(lab):
    cases = [("sfence.vma", st.TVM), ("csrr a0, satp", st.TVM), ("csrw satp, x0", st.TVM),
             ("wfi", st.TW), ("sret", st.TSR)]  # fmt: skip
    for text, bit in cases:
        for mode in (S, M):
            lab.priv = mode
            lab.csr["sepc"] = CODE
            lab.csr["mstatus"] = 0
            assert cause_of(lab, text) is None, text
            lab.s[st.WAIT] = 0
            lab.csr["mstatus"] = bit
            assert cause_of(lab, text) == (ILLEGAL if mode == S else None), text
            lab.s[st.WAIT] = 0
            lab.csr["mstatus"] = (st.TVM | st.TW | st.TSR) & ~bit
            assert cause_of(lab, text) is None, text
            lab.s[st.WAIT] = 0


def test_u_mode_has_no_privileged_instructions(lab):
    lab.priv = U
    for text in ("sfence.vma", "csrr a0, satp", "wfi", "csrr a0, sstatus", "csrr a0, mstatus"):
        assert cause_of(lab, text) == ILLEGAL
    lab.priv = S
    assert cause_of(lab, "csrr a0, mstatus") == ILLEGAL


def test_a_trapped_instruction_writes_nothing(lab):
    lab.set(a0=1234)
    for text in ("ld a0, (x0)", "csrrs a0, 0x5c0, x0", "amoadd.w a0, a0, (x0)", "lr.w a0, (x0)"):
        assert lab.do(text) is not None
        assert lab["a0"] == 1234


def test_traps_do_not_count_as_instructions(lab):
    """Not the one that faults; only what the handler and its return execute."""
    before = lab.hart.instructions
    lab.do("ecall")
    lab.do(".word 0")
    assert lab.hart.instructions == before
    lab.do("nop")
    assert lab.hart.instructions == before + 1


# --- interrupts ---------------------------------------------------------------------------------


def arm(lab, *numbers, enabled=True):
    """Drive these interrupt lines, and enable them in mie."""
    for number in numbers:
        lab.hart.set_pending(number, True)
    if enabled:
        lab.csr["mie"] = sum(1 << number for number in numbers)


def taken(lab, mode, status=0):
    """The interrupt taken before a nop in `mode`, and the mode that takes it."""
    lab.priv = mode
    lab.csr["mstatus"] = status
    trap = lab.do("nop")
    if trap is None:
        return None
    assert trap.cause < 0 and trap.tval == 0
    return trap.cause - INTERRUPT, lab.hart.priv


@pytest.mark.parametrize("number", [SSI, MSI, STI, MTI, SEI, MEI])
def test_each_interrupt_by_mode_and_enable(lab, number):
    """One that M-mode keeps: always below M, in M only with mstatus.MIE; SIE plays no part."""
    arm(lab, number)
    assert taken(lab, U) == (number, M)
    assert lab.csr["mepc"] == CODE
    assert taken(lab, S) == (number, M)
    assert taken(lab, S, st.SIE) == (number, M)
    assert taken(lab, M, st.SIE) is None
    assert taken(lab, M, st.MIE_BIT) == (number, M)
    lab.csr["mie"] = 0
    assert taken(lab, U, st.MIE_BIT | st.SIE) is None


@pytest.mark.parametrize("number", [SSI, STI, SEI])
def test_a_delegated_interrupt(lab, number):
    """Always in U, in S only with SIE, never in M."""
    lab.csr["mideleg"] = 1 << number
    arm(lab, number)
    assert taken(lab, U) == (number, S)
    assert lab.csr["sepc"] == CODE
    assert taken(lab, S) is None
    assert taken(lab, S, st.MIE_BIT) is None
    assert taken(lab, S, st.SIE) == (number, S)
    assert taken(lab, M, st.MIE_BIT | st.SIE) is None


def test_machine_interrupts_cannot_be_delegated(lab):
    lab.csr["mideleg"] = (1 << 64) - 1
    assert lab.csr["mideleg"] == 1 << SSI | 1 << STI | 1 << SEI


def test_priority(lab):
    """MEI, MSI, MTI, SEI, SSI, STI (section 3.1.9)."""
    order = [MEI, MSI, MTI, SEI, SSI, STI]
    arm(lab, *order)
    for number in order:
        assert taken(lab, M, st.MIE_BIT) == (number, M)
        lab.csr["mie"] &= ~(1 << number) & (1 << 64) - 1
    assert taken(lab, M, st.MIE_BIT) is None


def test_priority_among_delegated(lab):
    lab.csr["mideleg"] = 1 << SSI | 1 << STI | 1 << SEI
    arm(lab, STI, SSI, SEI)
    for number in (SEI, SSI, STI):
        assert taken(lab, S, st.SIE) == (number, S)
        lab.csr["mie"] &= ~(1 << number) & (1 << 64) - 1


def test_what_m_mode_takes_goes_before_what_s_mode_takes(lab):
    """Whatever their numbers: SEI delegated, STI not."""
    lab.csr["mideleg"] = 1 << SEI
    arm(lab, SEI, STI)
    assert taken(lab, S, st.SIE) == (STI, M)
    assert taken(lab, U) == (STI, M)
    assert taken(lab, M, st.SIE) is None


@pytest.mark.parametrize("vectored", [0, 1])
@pytest.mark.parametrize("to_s", [True, False])
def test_vectors(lab, vectored, to_s):
    """Vectored mode is for interrupts only; exceptions go to the base."""
    lab.csr["stvec" if to_s else "mtvec"] = HANDLER | vectored
    if to_s:
        lab.csr["mideleg"], lab.csr["medeleg"] = 1 << SEI, 0x100
    for number in range(12):
        lab.memory.write(HANDLER + 4 * number, bytes.fromhex("6f000000"))
    arm(lab, SEI)
    assert taken(lab, U) == (SEI, S if to_s else M)
    assert lab.hart.pc == HANDLER + vectored * 4 * SEI
    lab.csr["mie"] = 0
    lab.priv = U
    assert cause_of(lab, "ecall") == 8
    assert lab.hart.pc == HANDLER


def test_an_interrupt_comes_before_the_instruction(lab):
    arm(lab, MEI)
    lab.csr["mstatus"] = st.MIE_BIT
    assert lab.do("addi a0, x0, 7", a0=1).cause == INTERRUPT + MEI
    assert lab["a0"] == 1
    assert lab.csr["mepc"] == CODE


def test_enabling_lets_the_interrupt_in_before_the_next_instruction(lab):
    arm(lab, MEI)
    end = lab.put("csrsi mstatus, 8; nop")
    assert lab.jump(CODE) is None
    assert lab.step() == (INTERRUPT + MEI, 0)
    assert lab.csr["mepc"] == end - 4


def test_returning_lets_the_interrupt_in(lab):
    arm(lab, MEI)
    lab.csr["mepc"], lab.csr["mstatus"] = DATA, U << 11
    assert lab.do("mret") is None
    assert lab.step() == (INTERRUPT + MEI, 0)
    assert lab.csr["mepc"] == DATA


# --- waiting ------------------------------------------------------------------------------------


@both_engines
def test_wfi_goes_on_with_what_is_enabled_in_mie_alone(engine):
    """Neither mstatus nor mideleg matter: it wakes, and takes no trap."""
    lab = Lab(engine)
    lab.csr["mideleg"] = 1 << SEI
    arm(lab, SEI)
    for mode in (M, S):
        lab.priv = mode
        lab.put("wfi; nop")
        assert lab.jump(CODE) is None
        assert lab.step() is None
        assert lab.hart.pc == CODE + 8


@both_engines
def test_wfi_and_an_enabled_interrupt_trap_behind_it(engine):
    lab = Lab(engine)
    arm(lab, MEI)
    lab.csr["mstatus"] = st.MIE_BIT
    lab.hart.set_pending(MEI, False)
    assert lab.do("wfi") is None
    assert lab.hart.waiting
    lab.hart.set_pending(MEI, True)
    assert lab.step() == (INTERRUPT + MEI, 0)
    assert lab.csr["mepc"] == CODE + 4


@both_engines
def test_waiting_for_what_cannot_come_is_a_deadlock(engine):
    for source in ("wfi", "csrsi mie, 8; wfi", "li t0, -1; csrw mie, t0; wfi; j ."):
        machine = program(engine, source)
        assert machine.run(1_000_000).reason == "deadlock"
        assert machine.run(1_000_000).reason == "deadlock"  # still


@both_engines
def test_with_input_to_come_it_is_no_deadlock(engine):
    machine = program(engine, "li t0, 0x800; csrw mie, t0; wfi")
    machine.poll = lambda: b""
    assert machine.run(1_000_000).reason == "input"


@both_engines
def test_a_pending_but_masked_interrupt_does_not_wake(engine):
    machine = program(engine, "1: csrsi mip, 2; wfi; j 1b")
    assert machine.run(1_000_000).reason == "deadlock"


# --- no way out ---------------------------------------------------------------------------------


@both_engines
@pytest.mark.parametrize(
    "source",
    [
        "csrw mtvec, x0; ecall",  # the handler cannot be fetched
        "la t0, h; csrw mtvec, t0; h: .word 0",  # nor be executed
        "la t0, h; csrw mtvec, t0; .align 2; h: ecall",
        "la t0, h; csrw mtvec, t0; .align 2; h: ld a0, (x0)",
        # an interrupt that comes again after each return
        "la t0, h; csrw mtvec, t0; li t0, 8; csrw mie, t0; li t1, 0x2000000; sw t0, 1(t1);"
        "li t0, 1; sw t0, (t1); csrsi mstatus, 8; 1: j 1b; .align 2; h: mret",
        # medeleg and stvec: a loop between modes
        "li t0, -1; csrw medeleg, t0; la t0, h; csrw mtvec, t0; csrw stvec, x0;"
        "csrw mepc, x0; mret; .align 2; h: mret",
    ],
)
def test_trap_loops_end_by_budget(engine, source):
    machine = program(engine, source)
    end = machine.run(20_000)
    assert (end.reason, machine.executed) == ("budget", 20_000)
    assert machine.harts[0].s[st.TRAPS] > 5_000


@both_engines
def test_a_trap_loop_lets_time_pass(engine):
    """So that a timer interrupt, or the end of a budget, comes all the same."""
    machine = program(engine, "csrw mtvec, x0; ecall")
    machine.run(1000)
    hart = machine.harts[0]
    assert hart.clock == 1000
    assert hart.instructions == 1
    assert hart.s[st.TRAPS] == 1000  # the second trap costs a tick, and so on


# --- the host as firmware -----------------------------------------------------------------------


@both_engines
def test_an_sbi_call_counts_nothing_and_returns_behind_the_ecall(engine):
    machine = program(engine, "li a7, 0x10; li a6, 0; ecall; mv a3, a1; 1: j 1b")
    machine.harts[0].own_machine_mode()
    machine.harts[0].start(RAM, 0)
    machine.run(4)
    hart = machine.harts[0]
    assert hart.x[13] == 2 << 24  # SBI 2.0
    assert hart.clock == 4
    assert machine.exits["sbi"] == 1


HANDLED = """
        la t0, handler
        csrw stvec, t0
        li t1, 0x50000000
        {text}
        .align 2
handler: csrr a3, scause
        csrr a4, stval
        j .
"""


@both_engines
@pytest.mark.parametrize(
    ("text", "cause", "tval"),
    [(".word 0", ILLEGAL, 0), ("ld a0, 0x7f8(t1)", 5, 0x500007F8), ("sw a0, (t1)", 7, 0x50000000)],
)
def test_s_mode_takes_its_own_traps_under_the_host(engine, text, cause, tval):
    """Also those that the bus raises, outside of the run loop."""
    machine = program(engine, HANDLED.format(text=text))
    hart = machine.harts[0]
    hart.own_machine_mode()
    hart.start(RAM, 0)
    machine.run(20)
    assert (hart.x[13], hart.x[14]) == (cause, tval)
    assert hart.priv == S


@both_engines
@pytest.mark.parametrize("text", ["ld a0, (a1)", "sd a0, (a1)"])
def test_a_step_stops_before_the_handler_of_a_bus_error(engine, text):
    lab = Lab(engine)
    assert lab.do(text, a1=0x50000000) == (5 if text[0] == "l" else 7, 0x50000000)
    assert lab.hart.pc == HANDLER
    assert lab.hart.clock == 0


# --- code that changes --------------------------------------------------------------------------

PATCHED = """
        li a0, 0
        la t0, patch
        li t1, 0x00250513           # addi a0, a0, 2
        li t2, 3
again:  nop
patch:  addi a0, a0, 1
        sw t1, (t0)
        {fence}
        addi t2, t2, -1
        bnez t2, again
1:      j 1b
"""


@both_engines
@pytest.mark.parametrize("fence", ["", "fence.i"])
def test_self_modifying_code(engine, fence):
    """A store is seen by the next fetch, as the machine has no instruction cache to speak of."""
    machine = program(engine, PATCHED.format(fence=fence))
    machine.run(60)
    assert machine.harts[0].x[10] == 1 + 2 + 2


@both_engines
@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_a_store_that_changes_part_of_an_instruction(engine, at):
    lab = Lab(engine)
    lab.put("addi a0, x0, 5")
    lab.put("nop", CODE - 4 + 0x1000)
    assert lab.jump(CODE, a0=0) is None
    assert lab["a0"] == 5
    wanted = lab.memory.read(CODE, 4)
    lab.put("xori a0, a0, -1", DATA)
    new = lab.memory.read(DATA, 4)
    mixed = wanted[:at] + new[at : at + 1] + wanted[at + 1 :]
    lab.put("sb a2, (a1)", CODE + 0x100)
    assert lab.jump(CODE + 0x100, a1=CODE + at, a2=new[at]) is None
    assert lab.memory.read(CODE, 4) == mixed
    fresh = Lab(engine)
    fresh.memory.write(CODE, mixed)
    assert lab.jump(CODE, a0=9) == fresh.jump(CODE, a0=9)
    assert lab["a0"] == fresh["a0"]


@both_engines
def test_data_becomes_code_and_is_written_again(engine):
    """The TLB knew the page as one to store to, before code in it was decoded."""
    lab = Lab(engine)
    lab.put("addi a0, x0, 1", DATA + 0x1000)
    lab.put("addi a0, x0, 2", DATA + 0x1004)
    first, second = (lab.memory.read(DATA + 0x1000 + k, 4) for k in (0, 4))
    for word in (first, first, second, first, second):
        value = int.from_bytes(word, "little")
        assert lab.do("sw a2, (a1)", a1=DATA, a2=value) is None
        assert lab.jump(DATA) is None
        assert lab["a0"] == (1 if word == first else 2)


@both_engines
def test_code_written_through_another_mapping(engine):
    lab = Lab(engine).paging()
    lab.map(0x4000000, DATA, "rwad")
    lab.map(0x5000000, DATA, "xad")
    lab.put("addi a0, x0, 1", DATA)
    assert lab.jump(0x5000000) is None
    lab.put("addi a0, x0, 2", DATA + 0x1000)
    word = int.from_bytes(lab.memory.read(DATA + 0x1000, 4), "little")
    assert lab.do("sw a2, (a1)", a1=0x4000000, a2=word) is None
    assert lab.jump(0x5000000) is None
    assert lab["a0"] == 2


@both_engines
def test_code_across_the_end_of_ram_and_all_of_ram_as_code(engine):
    """More pages of code than the decode cache was made for: it starts anew."""
    lab = Lab(engine)
    for page in range(RAM, RAM + SIZE, 0x1000):
        lab.put("addi a0, a0, 1", page + 0x800)
    lab.set(a0=0)
    for _ in range(3):
        for page in range(RAM, RAM + SIZE, 0x1000):
            assert lab.jump(page + 0x800) is None
    assert lab["a0"] == 3 * SIZE // 0x1000
