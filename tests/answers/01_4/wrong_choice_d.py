"""Blames the data cache."""
# says: choice_d

from tests.answers.variants import variant

globals().update(variant("01.4", ('because = "b"', 'because = "d"')))
