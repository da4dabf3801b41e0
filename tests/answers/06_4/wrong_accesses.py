"""Counts each access for a miss."""
# says: crossing

from tests.answers.variants import variant

globals().update(variant("06.4",
    ('1_000_000 * misses * prices[0]',
     '1_000_000 * accesses * prices[0]'),
))
