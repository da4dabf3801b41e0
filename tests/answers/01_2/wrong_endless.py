"""Loops for ever at a superpage."""
# says: late

from tests.answers.variants import variant

globals().update(variant("01.2", ('''\
            break
''', '''\
            while level: pass
            break
''')))
