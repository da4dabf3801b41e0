"""A line through the origin."""
# says: origin

from tests.answers.variants import variant

globals().update(variant(
    "16.5",
    ('return mean_t - slope * mean_n, slope',
     'return 0.0, mean_t / mean_n'),
))
