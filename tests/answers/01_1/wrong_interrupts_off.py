"""Switches the timer interrupt off for good."""
# says: stopped

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
    leave:
''', '''\
        csrw  mie, zero
    leave:
''')))
