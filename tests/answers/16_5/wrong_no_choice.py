"""Chooses nothing."""
# says: no_choice

from tests.answers.variants import variant

globals().update(variant("16.5", ('because = "b"', 'because = ...')))
