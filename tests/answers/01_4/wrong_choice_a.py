"""Believes in deeper tables."""
# says: choice_a

from tests.answers.variants import variant

globals().update(variant("01.4", ('because = "b"', 'because = "a"')))
