"""Counts typical rounds only."""
# says: only_typical

from tests.answers.variants import variant

globals().update(variant("02.4",
    ('len(rounds), len',
     'rounds.count(typical), len')))
