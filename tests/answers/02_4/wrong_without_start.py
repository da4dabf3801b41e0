"""Leaves the syscall out."""
# says: without_start

from tests.answers.variants import variant

globals().update(variant("02.4",
    ('list(typical)',
     'list(typical[1:])')))
