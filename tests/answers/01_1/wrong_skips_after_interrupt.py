"""Adds 4 to mepc whatever the cause."""
# says: skipped

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
    timer:
''', '''\
    timer:
        csrr t1, mepc
        addi t1, t1, 4
        csrw mepc, t1
''')))
