# Starts a guest in C in M-mode or, with -DSUPERVISOR, in S-mode under Sv39; ends it (finisher).
    .option arch, +zicsr
    .section .text.start, "ax"
    .globl _start, _exit
    .macro ptes table, first, count         # entries, each for the page after the last one's
    li t0, \table
    li t1, \first
    li t2, \count
9:  sd t1, (t0)
    addi t0, t0, 8
    addi t1, t1, 0x400
    addi t2, t2, -1
    bnez t2, 9b
    .endm

_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la tp, __tls
    la sp, __stack
    la t0, trap
    csrw mtvec, t0
    la t0, __bss
    la t1, __bss_end
1:  sd zero, (t0)
    addi t0, t0, 8
    bltu t0, t1, 1b
#ifdef SUPERVISOR
    # An identity map in pages of 4 KiB, A and D set; its tables lie above the stack.
    ptes 0x82000000, 0x20800401, 1          # the root: the first gigabyte,
    ptes 0x82000010, 0x20800801, 1          # and the third
    ptes 0x82001000, 0x20800c01, 1
    ptes 0x82001400, 0x20801001, 1
    ptes 0x82002000, 0x20801401, 16
    ptes 0x82003800, 0x000400c7, 1          # the finisher, RW
    ptes 0x82004000, 0x040000c7, 1          # the UART, RW
    ptes 0x82005000, 0x200000cf, 16 * 512   # 32 MiB of RAM, RWX
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    li t0, (8 << 60) | 0x82000
    csrw satp, t0
    li t0, 0x1800                           # MPP: S
    csrc mstatus, t0
    li t0, 0x800
    csrs mstatus, t0
    la t0, 2f
    csrw mepc, t0
    mret
2:
#endif
    call main
_exit:                                      # (a0: the exit status)
    li t0, 0x100000
    li t1, 0x5555
    beqz a0, 3f
    slli a0, a0, 16
    li t1, 0x3333
    or t1, t1, a0
3:  sw t1, (t0)
    j 3b
    .balign 4
trap:                                       # no guest means to
    li a0, 99
    j _exit
