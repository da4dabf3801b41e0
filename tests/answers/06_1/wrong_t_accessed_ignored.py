"""Ignores A where the guest's tables are."""
# says: t_accessed

from tests.answers.variants import variant

globals().update(variant(
    "06.1",
    ('def second(gpa, access):',
     'def second(gpa, access, marks=0):'),
    ('allowed(pte, access, True)',
     'allowed(pte | marks, access, True)'),
    ('second(gpa, "load")',
     'second(gpa, "load", A)'),
))
