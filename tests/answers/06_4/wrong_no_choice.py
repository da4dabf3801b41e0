"""Chooses nothing."""
# says: no_choice

from tests.answers.variants import variant

globals().update(variant("06.4",
    ('because = "b"',
     'because = 2'),
))
