"""Ignores A in the G-stage."""
# says: g_accessed

from tests.answers.variants import variant

globals().update(variant(
    "06.1",
    ('allowed(pte, access, True)',
     'allowed(pte | A, access, True)'),
))
