"""Tries one state only."""
# says: missed_mode_at_times

from tests.answers.variants import variant

globals().update(variant("02.3",
    ('range(200)',
     'range(1)')))
