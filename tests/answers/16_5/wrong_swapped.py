"""Slope first, as polyfit gives it."""
# says: swapped

from tests.answers.variants import variant

globals().update(variant(
    "16.5",
    ('return mean_t - slope * mean_n, slope',
     'return slope, mean_t - slope * mean_n'),
))
