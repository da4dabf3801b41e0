"""Refuses the upper half of the addresses."""
# says: upper

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('gva >> 38 not in (0, (1 << 26) - 1)',
     'gva >> 38')))
