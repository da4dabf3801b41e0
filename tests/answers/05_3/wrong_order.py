"""Puts the stores first."""
# says: order

from tests.answers.variants import variant

globals().update(variant("05.3",
    ('return hidden, synced, exits',
     'return exits, hidden, synced'),
))
