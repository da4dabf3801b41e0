"""Thinks of exits."""
# says: choice_d

from tests.answers.variants import variant

globals().update(variant("06.4",
    ('because = "b"',
     'because = "d"'),
))
