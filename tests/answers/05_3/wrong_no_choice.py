"""Chooses nothing."""
# says: no_choice

from tests.answers.variants import variant

globals().update(variant("05.3",
    ('because = "c"',
     'because = "protection"'),
))
