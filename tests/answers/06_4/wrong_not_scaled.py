"""Takes updates for the sweep."""
# says: not_scaled

from tests.answers.variants import variant

globals().update(variant("06.4",
    ('updates * accesses * prices[1]',
     'updates * 1_000_000 * prices[1]'),
))
