"""Chooses c."""
# says: choice_c

from tests.answers.variants import variant

globals().update(variant(
    "15.4",
    ('because = "b"',
     'because = "c"'),
))
