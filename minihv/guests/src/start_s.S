# Entry of a guest that firmware starts in S-mode, on one hart, with
# a0 = hart id and a1 = the device tree's physical address.
    .section .text.start, "ax"
    .globl _start
_start:
    la sp, stack_top
    call main               # main(hart, device_tree); its result is the exit status
    call finish
