"""Chooses a."""
# says: choice_a

from tests.answers.variants import variant

globals().update(variant(
    "15.4",
    ('because = "b"',
     'because = "a"'),
))
