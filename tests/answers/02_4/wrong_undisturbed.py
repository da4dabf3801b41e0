"""Counts those that are typical as disturbed."""
# says: undisturbed

from tests.answers.variants import variant

globals().update(variant("02.4",
    ('len(rounds) - rounds.count(typical)',
     'rounds.count(typical)')))
