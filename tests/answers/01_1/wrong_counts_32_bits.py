"""Counts in a word."""
# says: narrow

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
        ld    t2, 0(t1)
        addi  t2, t2, 1
        sd    t2, 0(t1)''', '''\
        lwu   t2, 0(t1)
        addiw t2, t2, 1
        slli  t2, t2, 32
        srli  t2, t2, 32
        sd    t2, 0(t1)''')))
