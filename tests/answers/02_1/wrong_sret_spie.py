"""Leaves SPIE as it was."""
# says: sret_spie

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('(SIE if status & SPIE else 0) | SPIE',
     '(SIE if status & SPIE else 0)')))
