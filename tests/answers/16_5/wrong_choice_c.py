"""Believes in more keys."""
# says: choice_c

from tests.answers.variants import variant

globals().update(variant("16.5", ('because = "b"', 'because = "c"')))
