# Entry of a guest that boots in M-mode: the board starts every hart here with
# a0 = hart id and a1 = the device tree's physical address (0: none).
    .section .text.start, "ax"
    .globl _start
_start:
    bnez a0, park           # one hart runs the program, the others sleep
    la sp, stack_top
    call main               # main(hart, device_tree); its result is the exit status
    call finish
park:
    wfi
    j park
