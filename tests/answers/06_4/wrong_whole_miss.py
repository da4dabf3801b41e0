"""Takes a shadow miss for free."""
# says: whole_miss

from tests.answers.variants import variant

globals().update(variant("06.4",
    ('return 1_000_000 * misses * prices[0] + updates * accesses * prices[1]',
     'return 1_000_000 * misses * (prices[0] if prices is nested else 0) + updates * accesses * prices[1]'),
))
