"""Lets S-mode read a user's code under SUM."""
# says: user_mxr

from tests.answers.variants import variant

globals().update(variant(
    "05.1",
    ('rights & ~X if sum_ else 0',
     'rights & ~X | (R if pte & X else 0) if sum_ else 0'),
))
