"""Believes in a larger TLB."""
# says: choice_b

from tests.answers.variants import variant

globals().update(variant("02.4",
    ('because = "c"',
     'because = "b"')))
