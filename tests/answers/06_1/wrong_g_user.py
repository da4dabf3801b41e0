"""The G-stage does not look at U."""
# says: g_user

from tests.answers.variants import variant

globals().update(variant("06.1",
    ('| gpa & inside if allowed(pte, access, True)',
     '| gpa & inside if allowed(pte | U, access, True)'),
))
