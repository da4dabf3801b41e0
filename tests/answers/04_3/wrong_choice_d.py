"""Believes in firmware."""
# says: choice_d

from tests.answers.variants import variant

globals().update(variant("04.3",
    ('because = "b"',
     'because = "d"')))
