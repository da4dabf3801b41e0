"""Blames the fences."""
# says: choice_a

from tests.answers.variants import variant

globals().update(variant("05.3",
    ('because = "c"',
     'because = "a"'),
))
