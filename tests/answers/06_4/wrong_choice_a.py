"""Thinks that the TLB misses less."""
# says: choice_a

from tests.answers.variants import variant

globals().update(variant("06.4",
    ('because = "b"',
     'because = "a"'),
))
