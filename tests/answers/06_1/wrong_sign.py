"""Does not look at bit 38."""
# says: canonical

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('gva >> 38 not in (0, (1 << 26) - 1)',
     'gva >> 39 not in (0, (1 << 25) - 1)')))
