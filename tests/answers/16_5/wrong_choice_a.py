"""Believes in a slow tree."""
# says: choice_a

from tests.answers.variants import variant

globals().update(variant("16.5", ('because = "b"', 'because = "a"')))
