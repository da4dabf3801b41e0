"""Stores through a register of the program."""
# says: nested

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
        sd    t1, 0(t0)
''', '''\
        sd    t1, 0(t3)
''')))
