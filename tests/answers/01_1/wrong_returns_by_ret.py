"""Returns like a function."""
# says: not_mret

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
        mret
''', '''\
        ret
''')))
