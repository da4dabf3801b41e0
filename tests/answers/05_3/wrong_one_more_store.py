"""Counts a store too many."""
# says: count_stores

from tests.answers.variants import variant

globals().update(variant(
    "05.3",
    ('return hidden, synced, exits',
     'return hidden, synced, exits + 1'),
))
