"""Leaves X out."""
# says: plain

from tests.answers.variants import variant

globals().update(variant(
    "05.1",
    ('rights = pte & (R | W | X)',
     'rights = pte & (R | W)'),
))
