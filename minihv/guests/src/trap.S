# Trap vectors. Each swaps sp with its scratch CSR (which holds the handler's stack), saves the
# registers that C may change, calls the handler with a0 = the frame, restores, returns.
# Invariant: outside a handler the scratch CSR holds the top of the handler's stack; inside it
# holds the interrupted sp. Handlers are not interrupted, so one stack each is enough.

    .macro each_register op     # the order is that of struct frame in guest.h
    .set offset, 0
    .irp reg, ra, t0, t1, t2, t3, t4, t5, t6, a0, a1, a2, a3, a4, a5, a6, a7
    \op \reg, offset(sp)
    .set offset, offset + 8
    .endr
    .endm

    .macro trap_vector name, scratch, handler, return
    .globl \name
    .weak \handler              # a program without traps to this mode defines no handler
    .balign 4
\name:
    csrrw sp, \scratch, sp
    addi sp, sp, -128
    each_register sd
    mv a0, sp
    call \handler
    each_register ld
    addi sp, sp, 128
    csrrw sp, \scratch, sp
    \return
    .endm

    .text
    trap_vector m_trap_vector, mscratch, handle_m_trap, mret
    trap_vector s_trap_vector, sscratch, handle_s_trap, sret
