"""Puts the PPN at bit 12."""
# says: place

from tests.answers.variants import variant

globals().update(variant("05.1",
    ('>> 12 << 10 | rights',
     '>> 12 << 12 | rights'),
))
