"""Blames hidden faults."""
# says: choice_b

from tests.answers.variants import variant

globals().update(variant("05.3",
    ('because = "c"',
     'because = "b"'),
))
