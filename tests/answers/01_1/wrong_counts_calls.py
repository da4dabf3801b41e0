"""Counts every trap."""
# says: counted_ecalls

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
        csrr  t1, mcause
        bltz  t1, timer
''', '''\
        la t1, ticks
        ld t2, 0(t1)
        addi t2, t2, 1
        sd t2, 0(t1)
        csrr t1, mcause
        bltz t1, timer
'''), ('''\
        la    t1, ticks
        ld    t2, 0(t1)
        addi  t2, t2, 1
        sd    t2, 0(t1)
        li''', "        li")))
