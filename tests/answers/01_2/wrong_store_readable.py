"""Stores where it can read."""
# says: write

from tests.answers.variants import variant

globals().update(variant(
    "01.2",
    ('"store": W,',
     '"store": W | R,'),
))
