"""Believes in cheaper calls."""
# says: choice_a

from tests.answers.variants import variant

globals().update(variant("02.4",
    ('because = "c"',
     'because = "a"')))
