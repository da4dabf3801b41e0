"""Ignores R, W and X in the G-stage."""
# says: g_right

from tests.answers.variants import variant

globals().update(variant(
    "06.1",
    ('allowed(pte, access, True)',
     'allowed(pte | R | W | X, access, True)'),
))
