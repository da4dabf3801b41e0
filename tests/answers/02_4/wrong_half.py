"""Counts pairs of rounds."""
# says: rounds

from tests.answers.variants import variant

globals().update(variant(
    "02.4",
    ('return list(typical), len(rounds),',
     'return list(typical), len(rounds) // 2,'),
))
