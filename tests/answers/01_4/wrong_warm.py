"""Leaves first touches out."""
# says: no_first_misses

from tests.answers.variants import variant

globals().update(variant("01.4", ('''\
    misses = 0
''', '''\
    misses = -len({va >> page_bits for va in trace})
''')))
