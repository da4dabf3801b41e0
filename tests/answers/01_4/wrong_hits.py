"""Counts hits."""
# says: hits

from tests.answers.variants import variant

globals().update(variant("01.4", ('''\
            misses += 1
''', ""), ('''\
            del held[page]
''', '''\
            del held[page]
            misses += 1
''')))
