# Into the firmware: at power on, and at each trap that it did not delegate to the kernel.
# mscratch holds the top of the hart's firmware stack while the kernel runs.
.section .text.entry, "ax"
.globl fw_start
fw_start:                               # every hart: a0 = hart id, a1 = device tree
    li      t0, 4                       # FIRMWARE_HARTS
    bgeu    a0, t0, 1f
    la      sp, fw_stacks
    addi    t0, a0, 1
    slli    t0, t0, 12                  # 4 KiB each
    add     sp, sp, t0
    call    fw_boot
1:  wfi
    j       1b

.globl fw_enter_kernel
fw_enter_kernel:                        # a0, a1 as the kernel wants them; a2 = its pc
    csrw    mepc, a2
    csrr    a2, mhartid
    la      t0, fw_stacks
    addi    a2, a2, 1
    slli    a2, a2, 12
    add     t0, t0, a2
    csrw    mscratch, t0
    mret

.balign 4
.globl fw_trap_entry
fw_trap_entry:
    csrrw   sp, mscratch, sp
    addi    sp, sp, -16 * 8
    sd      ra, 0(sp)
    .irp    n, 0,1,2,3,4,5,6
    sd      t\n, 8 + \n * 8 (sp)
    .endr
    .irp    n, 0,1,2,3,4,5,6,7
    sd      a\n, 64 + \n * 8 (sp)
    .endr
    mv      a0, sp
    call    fw_trap
    ld      ra, 0(sp)
    .irp    n, 0,1,2,3,4,5,6
    ld      t\n, 8 + \n * 8 (sp)
    .endr
    .irp    n, 0,1,2,3,4,5,6,7
    ld      a\n, 64 + \n * 8 (sp)
    .endr
    addi    sp, sp, 16 * 8
    csrrw   sp, mscratch, sp
    mret

.section .bss
.balign 16
fw_stacks:
    .zero   4 * 4096
