"""Drops the page that came first."""
# says: fifo

from tests.answers.variants import variant

globals().update(variant("01.4", ('''\
            del held[page]
''', '''\
            continue
''')))
