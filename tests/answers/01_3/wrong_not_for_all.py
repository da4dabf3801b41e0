"""Was written for faults of leaves and gives up at pointers."""
# says: unsolved_at

from tests.answers.variants import variant

globals().update(variant("01.3", ('''\
        if wrong:
''', '''\
        if wrong and level == 2: raise NotImplementedError
        if wrong:
''')))
