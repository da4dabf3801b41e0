"""Pushes onto the program's stack."""
# says: memory

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
        sd    t1, 0(t0)
        sd    t2, 8(t0)
''', '''\
        sd    t1, 0(t0)
        sd    t2, -8(sp)
'''), ('''\
        ld    t2, 8(t0)
        csrrw''', '''\
        ld    t2, -8(sp)
        csrrw''')))
