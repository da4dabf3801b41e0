"""Restores one register too few."""
# says: register

from tests.answers.variants import variant

globals().update(variant("01.1", ('''\
        ld    t2, 8(t0)
        csrrw''', "        csrrw")))
