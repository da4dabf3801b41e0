"""The mean in place of the base."""
# says: mean

from tests.answers.variants import variant

globals().update(variant(
    "16.5",
    ('return mean_t - slope * mean_n, slope',
     'return mean_t, slope'),
))
