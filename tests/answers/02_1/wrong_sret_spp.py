"""Leaves SPP as it was."""
# says: sret_spp

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('status & ~(SPP | SIE) | (SIE',
     'status & ~SIE | (SIE')))
