"""Forgets SIE."""
# says: trap_spie

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('(SPIE if status & SIE else 0)',
     '0')))
