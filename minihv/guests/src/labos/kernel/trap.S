# Into the kernel and out again. sscratch tells the two sides apart: in user mode it holds the
# running process's frame, in the kernel 0.
.equ FRAME_HART, 32 * 8

.text
.balign 4
.globl trap_entry
trap_entry:
    csrrw   a0, sscratch, a0
    beqz    a0, 1f
    .irp    n, 1,2,3,4,5,6,7,8,9, 11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd      x\n, \n * 8 (a0)
    .endr
    csrrw   t0, sscratch, zero          # the user's a0; and from here on we are in the kernel
    sd      t0, 10 * 8 (a0)
    csrr    t0, sepc
    sd      t0, 0(a0)
    ld      tp, FRAME_HART(a0)
    ld      sp, 0(tp)                   # the stack is empty: nothing of an earlier trap is on it
    call    trap                        # returns the frame to go on with, maybe another one

.globl enter_user
enter_user:                             # a0 = frame
    sd      tp, FRAME_HART(a0)
    ld      t0, 0(a0)
    csrw    sepc, t0
    csrw    sscratch, a0
    .irp    n, 1,2,3,4,5,6,7,8,9, 11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld      x\n, \n * 8 (a0)
    .endr
    ld      a0, 10 * 8 (a0)
    sret                                # sstatus.SPP is 0 since boot, and every trap leaves it so

1:  csrr    a0, scause                  # a trap in the kernel
    csrr    a1, sepc
    csrr    a2, stval
    j       trap_in_kernel
