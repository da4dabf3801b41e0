"""Says cpu."""
# says: shape

from tests.answers.variants import variant

globals().update(variant(
    "16.4",
    ('return max(takes, key=takes.get), by_time',
     'return "cpu", by_time'),
))
