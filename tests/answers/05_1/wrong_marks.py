"""Copies U, A and D from the guest."""
# says: marks

from tests.answers.variants import variant

globals().update(variant("05.1",
    ('| rights | V | U | A | D if',
     '| rights | V | pte & (U | A | D) if'),
))
