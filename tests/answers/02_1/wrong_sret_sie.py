"""Leaves SIE as it was."""
# says: sret_sie

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('status & ~(SPP | SIE) | (SIE if status & SPIE else 0) | SPIE',
     'status & ~SPP | SPIE')))
