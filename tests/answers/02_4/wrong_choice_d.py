"""Believes in speed."""
# says: choice_d

from tests.answers.variants import variant

globals().update(variant("02.4",
    ('because = "c"',
     'because = "d"')))
