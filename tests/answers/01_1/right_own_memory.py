"""Keeps registers in memory of its own and swaps only one of them through mscratch."""


def handler():
    return """
            .data
            .balign 8
    saved:  .dword 0, 0, 0
            .text
            .balign 4
    handler:
            csrrw a0, mscratch, a0
            sd    a1, 0(a0)             # one register, so that there is one to find `saved` with
            la    a1, saved
            sd    a2, 0(a1)
            csrr  a2, mcause
            bgez  a2, exception
            la    a1, ticks
            ld    a2, 0(a1)
            addi  a2, a2, 1
            sd    a2, 0(a1)
            li    a1, MTIMECMP
            ld    a2, 0(a1)
            addi  a2, a2, PERIOD
            sd    a2, 0(a1)
            j     out
    exception:
            csrr  a2, mepc
            addi  a2, a2, 4
            csrw  mepc, a2
    out:    la    a1, saved
            ld    a2, 0(a1)
            ld    a1, 0(a0)
            csrrw a0, mscratch, a0
            mret
    """
