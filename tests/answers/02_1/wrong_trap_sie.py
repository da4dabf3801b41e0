"""Leaves interrupts on."""
# says: trap_sie

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('status & ~(SIE | SPIE | SPP) |',
     'status & ~(SPIE | SPP) |')))
