"""Does not look at the reserved bits."""
# says: nothing

from tests.answers.variants import variant

globals().update(variant("01.3",
    ('(0b1101_1111 | 0x3FF << 54)',
     '0b1101_1111')))
