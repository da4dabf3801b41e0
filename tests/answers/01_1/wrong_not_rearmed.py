"""Counts, but leaves the timer pending."""
# says: storm

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
        sd    t2, 0(t1)             # this takes the interrupt away
''', "")))
