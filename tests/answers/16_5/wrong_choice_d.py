"""Believes in a full host."""
# says: choice_d

from tests.answers.variants import variant

globals().update(variant("16.5", ('because = "b"', 'because = "d"')))
