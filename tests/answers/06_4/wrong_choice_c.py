"""Thinks of small pages."""
# says: choice_c

from tests.answers.variants import variant

globals().update(variant("06.4",
    ('because = "b"',
     'because = "c"'),
))
