"""Small guests, assembled here, for tests of stops and time travel."""

from __future__ import annotations

from minihv.asm import assemble
from minihv.devices.virt import Machine

FINISHER, UART, CLINT, PLIC = 0x100000, 0x10000000, 0x2000000, 0xC000000
EXIT = """
exit:                       # a0 = status
    slli a0, a0, 16
    li t0, 0x3333
    or a0, a0, t0
    li t0, 0x100000
    sw a0, 0(t0)
"""

# A loop that calls, stores, and traps (ebreak) once a round into its own handler.
LOOP = f"""
_start:
    la t0, handler
    csrw mtvec, t0
    li s0, 50
    la s1, data
    li a0, 0
round:
    call add
store:
    sd a0, 0(s1)
load:
    lw t1, 4(s1)
here:
    ebreak
after:
    addi s0, s0, -1
    bnez s0, round
    li a0, 7
    j exit
add:
    addi a0, a0, 3
    ret
handler:
    csrr t2, mepc
    addi t2, t2, 4
    csrw mepc, t2
    csrw mscratch, t2
    mret
{EXIT}
.data
.align 12
data: .dword 0, 0, 0
"""

# Waits in WFI for each byte of console input, prints it doubled, ends at "q" with status 5.
ECHO = f"""
_start:
    la t0, handler
    csrw mtvec, t0
    li s0, {UART}
    li s1, {PLIC}
    li t0, 1
    sw t0, 40(s1)           # priority of source 10
    li t0, 1 << 10
    li t1, {PLIC + 0x2000}
    sw t0, 0(t1)            # enabled in context 0
    li t0, 1
    sb t0, 1(s0)            # the UART interrupts for input
    li a1, '>'
    sb a1, 0(s0)
    li t0, 1 << 11
    csrw mie, t0
    csrsi mstatus, 8
idle:
    wfi
    j idle
handler:
    li t1, {PLIC + 0x200004}
    lw t2, 0(t1)            # claim
    lbu a1, 0(s0)
    sb a1, 0(s0)
    sb a1, 0(s0)
    sw t2, 0(t1)            # complete
    la t3, count
    amoadd.d t4, a1, (t3)
    li t0, 'q'
    beq a1, t0, done
    mret
done:
    li a0, 5
    j exit
{EXIT}
.data
count: .dword 0
"""

# In S-mode: many SBI calls with no instruction retired between two of them.
CALLS = """
_start:
    li a7, 0x10
    li a6, 3
    li s0, 20
again:
    ecall
    ecall
    ecall
    li a7, 0x10
    addi s0, s0, -1
    bnez s0, again
    li a7, 8
    ecall
"""

# In S-mode with Sv39 (an identity superpage, A and D clear): marks by the walker show.
PAGED = """
.equ RWX, 0xf
_start:
    la t0, root
    li t1, (0x80000000 >> 2) | RWX
    sd t1, 16(t0)
    srli t0, t0, 12
    li t1, 8 << 60
    or t0, t0, t1
    csrw satp, t0
there:
    nop
    la t2, cell
    sd t2, 0(t2)
    li a7, 8
    ecall
.data
.align 12
root: .zero 4096
cell: .dword 0
"""


# Asks HTIF for characters for ever, prints each.
GETCHAR = """
_start:
    la s0, tohost
    la s1, fromhost
ask:
    li t0, 1 << 56
    sd t0, 0(s0)
wait:
    ld t1, 0(s1)
    beqz t1, wait
    sd zero, 0(s1)
    andi t1, t1, 255
    li t0, 0x0101 << 48
    or t1, t1, t0
    sd t1, 0(s0)
    j ask
.data
.align 6
tohost: .dword 0
.align 6
fromhost: .dword 0
"""

# Every instruction of the handler traps, so that time passes by traps alone; a timer falls due.
TRAPS_ONLY = """
_start:
    la t0, handler
    csrw mtvec, t0
    li t0, 0x2004000
    li t1, 3
    sd t1, 0(t0)
.align 2
handler:
    .half 0
"""


def machine(source: str, engine: str = "jit", boot: str = "m", harts: int = 1) -> Machine:
    """A machine of 4 MiB with the program at the start of RAM."""
    program = assemble(source, 0x80000000 if boot == "m" else 0x80200000)
    return Machine(4 << 20, harts, engine).load(program.elf(), boot)


def symbol(made: Machine, name: str) -> int:
    """The address of a label."""
    assert made.image is not None
    return made.image.symbols[name]
