"""Blames the root."""
# says: other_level

from tests.answers.variants import variant

globals().update(variant("01.3", ('''\
        if wrong:
            return address, wrong.bit_length() - 1
''', '''\
        return address, 0
''')))
