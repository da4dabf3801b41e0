"""Counts the first fault twice."""
# says: count_hidden

from tests.answers.variants import variant

globals().update(variant(
    "05.3",
    ('return hidden, synced, exits',
     'return hidden + 1, synced, exits'),
))
