"""Counts the period from now."""
# says: drift

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
        ld    t2, 0(t1)
        addi  t2, t2, PERIOD''', '''\
        li    t2, 0x200bff8
        ld    t2, 0(t2)
        addi  t2, t2, PERIOD''')))
