# Where a hart arrives: in S-mode, translation off, interrupts off.

# The first hart: a0 = hart id, a1 = device tree. The loader has cleared .bss.
.section .text.entry, "ax"
.globl _start
_start:
    la      tp, harts
    la      sp, stacks + 8192           # HART_STACK: the first of the stacks
    call    main

# Every other hart, started through SBI: a0 = hart id, a1 = its struct hart.
.globl start_secondary
start_secondary:
    mv      tp, a1
    ld      sp, 0(tp)
    call    main_secondary
