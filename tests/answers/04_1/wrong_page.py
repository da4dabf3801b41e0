"""Fills an address."""
# says: page

from tests.answers.variants import variant

globals().update(variant("04.1",
    ('("fill", gpa & -4096)',
     '("fill", gpa)')))
