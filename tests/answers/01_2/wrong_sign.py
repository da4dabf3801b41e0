"""Does not look at bit 38."""
# says: canonical

from tests.answers.variants import variant

globals().update(variant("01.2",
    ('va >> 38 not in (0, (1 << 26) - 1)',
     'va >> 39 not in (0, (1 << 25) - 1)')))
