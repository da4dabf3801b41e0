"""Counts one miss too many."""
# says: count

from tests.answers.variants import variant

globals().update(variant(
    "01.4",
    ('return misses, misses *',
     'return misses + 1, misses *'),
))
