"""Adds by an atomic instruction, in 16-bit instructions where they exist."""


def handler():
    return """
        .option rvc
        .balign 4
    handler:
        csrrw s0, mscratch, s0
        sd    s1, 0(s0)
        sd    a0, 8(s0)
        csrr  s1, mcause
        slli  s1, s1, 1
        addi  s1, s1, -14               # 0 for the timer interrupt only
        bnez  s1, 1f
        la    a0, ticks
        li    s1, 1
        amoadd.d zero, s1, (a0)
        li    a0, MTIMECMP
        ld    s1, 0(a0)
        addi  s1, s1, PERIOD
        sd    s1, 0(a0)
        j     2f
    1:  csrr  s1, mepc
        addi  s1, s1, 4
        csrw  mepc, s1
    2:  ld    s1, 0(s0)
        ld    a0, 8(s0)
        csrrw s0, mscratch, s0
        mret
    """
