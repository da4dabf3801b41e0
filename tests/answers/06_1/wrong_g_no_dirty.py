"""Ignores D in the G-stage."""
# says: g_dirty

from tests.answers.variants import variant

globals().update(variant(
    "06.1",
    ('allowed(pte, access, True)',
     'allowed(pte | D, access, True)'),
))
