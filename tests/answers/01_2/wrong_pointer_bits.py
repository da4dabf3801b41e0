"""Accepts U, A and D in pointers."""
# says: pointer_bits

from tests.answers.variants import variant

globals().update(variant("01.2", ('''\
        if pte & (U | A | D):
            return fault
''', "")))
