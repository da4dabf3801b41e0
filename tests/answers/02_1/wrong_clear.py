"""Clears the others."""
# says: clear

from tests.answers.variants import variant

globals().update(variant("02.1",
    ('old & ~operand',
     'old & operand')))
