"""SBI 2.0 as a guest meets it: every call's answer and what it leaves alone, in all modes.

The calls are those that a conformance suite makes: right, wrong in each argument, unknown. A guest
makes them from a table, with a pattern in every register, and stores all registers after each.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from minihv.asm import assemble
from minihv.devices import sbi
from minihv.devices.sbi import BASE, DBCN, HSM, IPI, RFENCE, SRST, TIME
from minihv.devices.virt import Machine
from minihv.hw.hart import Hart
from minihv.vmm import VM
from tests.vmm.modes import MODES

RAM, SIZE = 0x80000000, 8 << 20
TABLE, RESULTS = RAM + 0x100000, RAM + 0x200000
TEXT = RAM + 0x300000
ALL = (1 << 64) - 1
OK, NOT_SUPPORTED, INVALID, ADDRESS, AVAILABLE = 0, -2, -3, -5, -6
LEGACY = "a1 as it was"
OUTSIDE = 1 << 55


class Call(NamedTuple):
    """A call, and what SBI 2.0 says that a0 and a1 are then (None: anything)."""

    extension: int
    function: int
    args: tuple[int, ...]
    error: int | None
    value: int | str | None = 0


def calls(harts: int) -> list[Call]:
    """What the guest asks on hart 0; the others are stopped. Chapters of SBI 2.0."""
    probes = {BASE: 1, TIME: 1, IPI: 1, RFENCE: 1, HSM: 1, SRST: 1, DBCN: 1, 0x123456: 0, ALL: 0}
    gone = [1 << harts, ALL]  # masks with a hart that does not exist
    return [
        Call(BASE, 0, (), OK, 2 << 24),                                                        # 4
        *(Call(BASE, number, (), OK, None) for number in (1, 2)),
        *(Call(BASE, 3, (eid,), OK, there) for eid, there in probes.items()),
        *(Call(BASE, number, (), OK, None) for number in (4, 5, 6)),
        *(Call(eid, 99, (), NOT_SUPPORTED) for eid in probes),
        Call(0x123456, 0, (1, 2, 3), NOT_SUPPORTED), Call(ALL, ALL, (), NOT_SUPPORTED),
        Call(TIME, 0, (ALL,), OK),                                                             # 6
        Call(IPI, 0, (0, 0), OK), Call(IPI, 0, (1, ALL), OK), Call(IPI, 0, (0, harts - 1), OK),  # 7
        *(Call(IPI, 0, (mask, 0), INVALID) for mask in gone),
        Call(IPI, 0, (1, harts), INVALID), Call(IPI, 0, (1, ALL - 1), INVALID),
        *(Call(RFENCE, kind, (1, 0, 0, 0, 0), OK) for kind in (0, 1, 2)),                      # 8
        *(Call(RFENCE, kind, (1, ALL, 0, ALL, 7), OK) for kind in (0, 1, 2)),
        *(Call(RFENCE, kind, (mask, 0, 0, 0, 0), INVALID) for kind in (0, 1, 2) for mask in gone),
        *(Call(RFENCE, kind, (1, 0, ALL, 2, 0), ADDRESS) for kind in (1, 2)),
        Call(HSM, 0, (0, TEXT, 0), AVAILABLE), Call(HSM, 0, (harts, TEXT, 0), INVALID),        # 9
        Call(HSM, 2, (0,), OK, 0), Call(HSM, 2, (harts,), INVALID), Call(HSM, 2, (ALL,), INVALID),
        *(Call(HSM, 2, (hart,), OK, 1) for hart in range(1, harts)),
        *(Call(HSM, 0, (hart, OUTSIDE, 0), ADDRESS) for hart in range(1, harts)),
        *(Call(HSM, 3, (kind, TEXT, 0), INVALID) for kind in (1, 0x7FFFFFFF, 0x80000001)),
        Call(HSM, 3, (0x80000000, OUTSIDE, 0), ADDRESS),
        Call(SRST, 0, (3, 0), INVALID), Call(SRST, 0, (0, 2), INVALID),                       # 10
        Call(SRST, 0, (0xF0000000, 0), INVALID),
        Call(DBCN, 0, (6, TEXT, 0), OK, 6), Call(DBCN, 0, (0, TEXT, 0), OK, 0),               # 12
        Call(DBCN, 0, (6, OUTSIDE, 0), INVALID), Call(DBCN, 0, (6, TEXT, 1), INVALID),
        Call(DBCN, 0, (SIZE, TEXT, 0), INVALID), Call(DBCN, 1, (8, OUTSIDE, 0), INVALID),
        Call(DBCN, 1, (8, TEXT + 64, 0), OK, 0), Call(DBCN, 2, (0x10000 + ord("!"),), OK),
        Call(0, 0, (ALL,), OK, LEGACY), Call(1, 0, (ord("?"),), OK, LEGACY),                   # 5
        Call(2, 0, (), -1, LEGACY),
        Call(3, 0, (), 1, LEGACY), Call(3, 0, (), 0, LEGACY),  # the IPIs above, then none
    ]  # fmt: skip


def pattern(call: Call, row: int) -> list[int]:
    """Return x0..x31 before a call."""
    registers = [0x1111_0000_0000_0000 * (row % 7) + 0x0101_0101 * n for n in range(32)]
    registers[10 : 10 + len(call.args)] = call.args
    registers[16], registers[17] = call.function, call.extension
    return [value & ALL for value in registers]


LOADS = "\n".join(f"ld x{n}, {8 * n}(x31)" for n in range(1, 32))
STORES = "\n".join(f"sd x{n}, {8 * n}(x31)" for n in range(1, 31))

def guest(rows: list[Call]) -> bytes:
    """The guest that makes these calls; what it finds is stored from RESULTS on, 256 bytes each."""
    return assemble(f"""
        la x31, handler
        csrw stvec, x31
        li x31, {TABLE}
        csrw sscratch, x31
        j go
    next:
        {LOADS}
        ecall
        csrw sepc, x31              # csrs that nothing else uses keep two registers
        csrr x31, sscratch
        {STORES}
        csrr x30, sepc
        sd x30, {8 * 31}(x31)
        addi x31, x31, 256
        csrw sscratch, x31
    go: csrr x31, sscratch
        li x30, {TABLE + 256 * len(rows)}
        bne x31, x30, next
        li a7, {SRST}
        li a6, 0
        li a0, 0
        li a1, 0
        ecall
        .balign 4
    handler: j handler
    """, RAM).elf()


def made(machine: Machine, rows: list[Call]) -> list[str]:
    """Let the guest make all calls; return how what it found differs from what has to be."""
    before = [pattern(call, row) for row, call in enumerate(rows)]
    machine.load(guest(rows), "s")
    for row, registers in enumerate(before):
        registers[31] &= ~1  # sepc, where it is kept, has no such bit
        data = b"".join(value.to_bytes(8, "little") for value in registers)
        machine.memory.write(TABLE + 256 * row, data)
    machine.memory.write(TEXT, b"hello\n")
    assert machine.run(5_000_000).reason == "exit"
    wrong = []
    for row, (call, registers) in enumerate(zip(rows, before, strict=True)):
        data = machine.memory.read(TABLE + 256 * row, 256)
        found = [int.from_bytes(data[8 * n : 8 * n + 8], "little") for n in range(32)]
        value = registers[11] if call.value == LEGACY else call.value
        if call.error is not None and found[10] != call.error & ALL:
            wrong.append(f"{call}: error {found[10]:#x}")
        if value is not None and found[11] != value:
            wrong.append(f"{call}: value {found[11]:#x}")
        wrong += [f"{call}: x{n} was {registers[n]:#x}, is {found[n]:#x}" for n in range(1, 32)
                  if n not in (10, 11) and found[n] != registers[n]]  # fmt: skip
    assert machine.console.output == b"hello\n!?"
    return wrong


MACHINES = {"bare": lambda harts: Machine(SIZE, harts)} | {
    mode: lambda harts, layers=layers: VM(memory=SIZE, harts=harts, **layers())
    for mode, layers in MODES.items()
}


@pytest.mark.parametrize("mode", MACHINES)
@pytest.mark.parametrize("harts", [1, 2])
def test_answers(mode: str, harts: int):
    assert made(MACHINES[mode](harts), calls(harts)) == []


def test_a_call_that_changes_a_register_is_noticed(monkeypatch: pytest.MonkeyPatch):
    real = sbi.Sbi.call
    def call(self, hart):
        hart.x[29] = 0
        return real(self, hart)

    monkeypatch.setattr(sbi.Sbi, "call", call)
    assert any("x29" in line for line in made(Machine(SIZE), calls(1)))


# --- what calls lead to later: timers, interrupts, harts that stop and sleep ------------------

# s0: where the next number goes. The handler notes scause and the time, and turns the source off.
EVENTS = f"""
    la t0, handler
    csrw stvec, t0
    li s0, {RESULTS}
    li s1, 5000                 # a delay in units of 100 ns
    csrwi sstatus, 2
    # a timer, waited for in a loop: its deadline; scause and time by the handler
    li t0, 32
    csrw sie, t0
    jal timer
    li s2, 0
1:  beqz s2, 1b
    # the same with wfi
    jal timer
    li s2, 0
2:  wfi
    beqz s2, 2b
    # masked: it is pending, and no interrupt comes; set to the end of time, it is not pending
    csrw sie, x0
    jal timer
3:  rdtime t0
    bltu t0, s3, 3b
    csrr t0, sip
    andi t0, t0, 32
    jal note
    li a0, -1
    jal set_timer
    csrr t0, sip
    andi t0, t0, 32
    jal note
    # an interrupt from oneself
    csrwi sie, 2
    li s2, 0
    li a0, 1
    li a1, 0
    jal send
4:  beqz s2, 4b
    csrw sie, x0
    {{rest}}
    li a7, {SRST}
    li a6, 0
    li a0, 0
    li a1, 0
    ecall
timer:
    mv s11, ra
    rdtime s3
    add s3, s3, s1
    mv t0, s3
    jal note
    mv a0, s3
    jal set_timer
    jr s11
set_timer:
    li a7, {TIME}
    li a6, 0
    ecall
    ret
send:
    li a7, {IPI}
    li a6, 0
    ecall
    ret
note:
    sd t0, (s0)
    addi s0, s0, 8
    ret
hsm:
    li a7, {HSM}
    ecall
    ret
    .balign 4
handler:
    csrr t5, scause
    sd t5, (s0)
    rdtime t6
    sd t6, 8(s0)
    addi s0, s0, 16
    li s2, 1
    csrci sip, 2
    andi t5, t5, 15
    addi t5, t5, -5
    bnez t5, 5f
    csrw sie, x0
    csrwi sie, 0
    li t5, 32
    mv t6, a0
    li a0, -1
    li a7, {TIME}
    li a6, 0
    ecall
    mv a0, t6
    csrw sie, t5
5:  sret
"""
# Hart 1 is started with an argument, notes it, stops; is started again, sleeps without keeping its
# state, and is woken by an interrupt: it goes on where it said, with what it said. Hart 0 looks on.
TWO_HARTS = """
    la s8, other
    li s9, 0x123456789abcdef0
    jal start
    jal until_stopped
    la s8, sleeper
    jal start
6:  li a0, 1
    li a6, 2
    jal hsm
    li t0, 4
    bne a1, t0, 6b
    mv t0, a1
    jal note
    li a0, 1
    li a1, 1
    jal send
    jal until_stopped
    j end
start:
    mv s11, ra
    li a0, 1
    mv a1, s8
    mv a2, s9
    li a6, 0
    jal hsm
    mv t0, a0
    jal note
    jr s11
until_stopped:
    mv s11, ra
7:  li a0, 1
    li a6, 2
    jal hsm
    li t0, 1
    bne a1, t0, 7b
    jr s11
other:
    li s0, OTHER
    sd a0, (s0)
    sd a1, 8(s0)
    li a6, 1
    jal hsm
sleeper:
    csrwi sie, 2
    li a0, 0x80000000
    la a1, awake
    li a2, 0x0fedcba987654321
    li a6, 3
    jal hsm
awake:
    li s0, OTHER
    sd a0, 16(s0)
    sd a1, 24(s0)
    csrr t0, sstatus
    andi t0, t0, 2
    sd t0, 32(s0)
    csrr t0, satp
    sd t0, 40(s0)
    li a6, 1
    jal hsm
end:
"""
OTHER = RESULTS + 0x1000


@pytest.mark.parametrize("mode", MACHINES)
@pytest.mark.parametrize("harts", [1, 2])
def test_what_calls_lead_to(mode: str, harts: int):
    machine = MACHINES[mode](harts)
    rest = TWO_HARTS.replace("OTHER", hex(OTHER)) if harts == 2 else ""
    machine.load(assemble(EVENTS.format(rest=rest), RAM).elf(), "s")
    assert machine.run(20_000_000).reason == "exit"

    def numbers(at: int, n: int) -> list[int]:
        data = machine.memory.read(at, 8 * n)
        return [int.from_bytes(data[8 * k : 8 * k + 8], "little") for k in range(n)]

    timer, software = 1 << 63 | 5, 1 << 63 | 1
    found = iter(numbers(RESULTS, 16))
    for _ in range(2):  # chapter 6: not before its time, and not much later
        deadline, cause, time = next(found), next(found), next(found)
        assert cause == timer and deadline <= time <= deadline + 10
    next(found)  # the deadline of the one that is masked
    assert [next(found), next(found)] == [32, 0]
    assert next(found) == software
    next(found)
    if harts == 2:
        assert [next(found) for _ in range(3)] == [0, 0, 4]
        other = numbers(OTHER, 6)  # chapter 9: a0 the hart, a1 the argument; SIE and satp are 0
        assert other == [1, 0x123456789ABCDEF0, 1, 0x0FEDCBA987654321, 0, 0]
    assert next(found) == 0


def test_a_timer_that_comes_late_is_noticed(monkeypatch: pytest.MonkeyPatch):
    real = Hart.set_sbi_timer
    monkeypatch.setattr(Hart, "set_sbi_timer", lambda hart, at: real(hart, min(at + 20, ALL)))
    with pytest.raises(AssertionError):
        test_what_calls_lead_to("bare", 1)
