"""Blames the flood."""
# says: choice_d

from tests.answers.variants import variant

globals().update(variant("05.3",
    ('because = "c"',
     'because = "d"'),
))
