"""Forgets the low bits."""
# says: gpa

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('(0 if walking else tval & 3)',
     '0')))
