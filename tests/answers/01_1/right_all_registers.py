"""Saves fifteen registers, as a handler that calls C would; decides by a compare, not by a sign."""

SAVED = "ra t0 t1 t2 a0 a1 a2 a3 a4 a5 a6 a7 t3 t4 t5".split()


def handler():
    save = "\n".join(f"sd {name}, {8 * n}(sp)" for n, name in enumerate(SAVED))
    load = "\n".join(f"ld {name}, {8 * n}(sp)" for n, name in enumerate(SAVED))
    return f"""
    .balign 4
    handler:
        csrrw sp, mscratch, sp
        {save}
        csrr a0, mcause
        li a1, 1
        slli a1, a1, 63
        addi a1, a1, 7
        bne a0, a1, call
        call tick
        j done
    call:
        csrr a0, mepc
        addi a0, a0, 4
        csrw mepc, a0
    done:
        {load}
        csrrw sp, mscratch, sp
        mret
    tick:
        la t0, ticks
        ld t1, (t0)
        addi t1, t1, 1
        sd t1, (t0)
        li t0, MTIMECMP
        ld t1, (t0)
        li t2, PERIOD
        add t1, t1, t2
        sd t1, (t0)
        ret
    """
