# A program's first and last instructions: a0 = the argument line.
.section .text.start, "ax"
.globl _start
_start:
    call    main
    li      a7, 5                       # CALL_EXIT
    ecall
