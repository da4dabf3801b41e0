"""Returns as S-mode would."""
# says: astray

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
        mret
''', '''\
        sret
''')))
