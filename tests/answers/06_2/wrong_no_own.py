"""Forgets the guest's PTEs."""
# says: no_own

from tests.answers.variants import variant

globals().update(variant("06.2",
    ('(host - tables + 1)',
     '(host - tables)'),
))
