"""Believes in a flush."""
# says: choice_c

from tests.answers.variants import variant

globals().update(variant("01.4", ('because = "b"', 'because = "c"')))
