# The user program. None of its pages is mapped when it starts: the first fetch, the first push
# and the first touch of each page of the array fault, and the supervisor answers.
#   a7 = 1: report a0.
    .section .user, "ax"
    .balign 4096
    .globl user_page, returns_42
user_page:
    addi sp, sp, -16            # store fault: the stack
    sd s0, 8(sp)
    li t0, 0x60020000           # USER_ARRAY: 8 pages, one word each
    li t1, 8
    li t2, 4096
1:  sd t1, 0(t0)                # store fault: the array
    add t0, t0, t2
    addi t1, t1, -1
    bnez t1, 1b
    li a0, 0
    li t1, 8
2:  sub t0, t0, t2
    ld t3, 0(t0)
    add a0, a0, t3              # 8 + 7 + ... + 1
    addi t1, t1, -1
    bnez t1, 2b
    li a7, 1
    ecall
    li t0, 1
    slli t0, t0, 31
    ld t0, 0(t0)                # the kernel's memory: the supervisor ends us here
    j .

    .balign 8
returns_42:
    li a0, 42
    ret
