# The user program of syscalls: s0 calls, each of which counts a0 up by one.
    .section .user, "ax"
    .balign 4096
    .globl user_program
user_program:
    li a7, 0
1:  ecall
    addi s0, s0, -1
    bnez s0, 1b
    li a7, 1
    ecall
    j .                         # the call above does not return
