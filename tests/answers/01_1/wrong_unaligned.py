"""A handler that mtvec cannot hold."""
# says: unaligned

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
        .balign 4
''', '''\
        .half 0
''')))
