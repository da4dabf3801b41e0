"""Chooses d."""
# says: choice_d

from tests.answers.variants import variant

globals().update(variant(
    "15.4",
    ('because = "b"',
     'because = "d"'),
))
