"""Returns to M-mode whoever was interrupted."""
# says: mode

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
        ld    t1, 0(t0)
        ld    t2, 8(t0)''', '''\
        li    t1, 0x1800
        csrs  mstatus, t1
        ld    t1, 0(t0)
        ld    t2, 8(t0)''')))
