"""Believes in the mode."""
# says: choice_a

from tests.answers.variants import variant

globals().update(variant("04.3",
    ('because = "b"',
     'because = "a"')))
