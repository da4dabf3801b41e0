"""Keeps the user's calls."""
# says: missing_bit

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('6, 7, 8, 12',
     '6, 7, 12')))
